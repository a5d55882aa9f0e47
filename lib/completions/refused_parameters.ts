/** Names of one limit: a provider takes one of them, or neither. */
const TOKEN_LIMITS = ["max_tokens", "max_completion_tokens"] as const;

/** What is said of a request with a field too many; Mistral, Databricks, Azure and FastAPI word it so. */
const UNKNOWN_FIELD =
  /unrecogni[sz]ed|unknown|unsupported|not (?:be )?(?:valid|supported|permitted|allowed|recogni[sz]ed)|unexpected|n(?:o|')t support|cannot be used|deprecated|extra[ _](?:inputs?|fields?|forbidden)|additional propert|invalid (?:param|arg|field)/i;

/** What is said of a limit that is known, and has a value that is not liked. */
const BAD_VALUE =
  /at (?:most|least)|maximum|minimum|less than|greater|exceed|too (?:large|big|high|long|small|low)|between|range|positive|integer|context/i;

type Fields = Record<string, unknown>;

/** An answer that refuses a request. */
interface Refusal {
  status: number;
  body: string;
}

/** Parameters that a provider has refused: left out, or called by the name that it knows. */
export class RefusedParameters {
  readonly #names = new Set<string>();

  /** The request's body as the provider takes it, without what is `suspected` either. */
  applied(body: Fields, suspected: ReadonlySet<string> = new Set()): Fields {
    const applied = { ...body };
    const isRefused = (name: string) => this.#names.has(name) || suspected.has(name);
    for (const name of TOKEN_LIMITS) {
      if (applied[name] === undefined || !isRefused(name)) continue;
      const other = TOKEN_LIMITS.find((one) => !isRefused(one));
      if (other) applied[other] ??= applied[name];
      delete applied[name];
    }
    if (isRefused("stream_options")) delete applied["stream_options"];
    return applied;
  }

  /** Which parameter of the request that was `sent` may be the one that is refused. */
  suspect(sent: Fields, { status, body }: Refusal): string | undefined {
    if (status !== 400 && status !== 422) return undefined;
    const isUnknown = UNKNOWN_FIELD.test(body);
    const limit = TOKEN_LIMITS.find((name) => sent[name] !== undefined);
    const isNamed = TOKEN_LIMITS.some((name) => isIn(body, name));
    if (limit && isNamed && (isUnknown || !BAD_VALUE.test(body))) return limit;
    if (sent["stream_options"] === undefined) return undefined;
    // The words may name the field, what is in it, only that there was one too many, or nothing.
    const isSaid = isUnknown || /stream[ _-]?options|include[ _-]?usage/i.test(body);
    return isSaid || status === 422 ? "stream_options" : undefined;
  }

  /** The provider takes requests without these: they are left out from now on. */
  remember(suspected: Iterable<string>): void {
    for (const name of suspected) this.#names.add(name);
  }
}

const isIn = (text: string, name: string) => new RegExp(`\\b${name}\\b`).test(text);
