type Fields = Record<string, unknown>;

/** A provider that takes one of these names, or neither. */
const TOKEN_LIMITS = ["max_tokens", "max_completion_tokens"] as const;

/** What is said of a request with a field too many; Mistral, Databricks, Azure and FastAPI word it so. */
const UNKNOWN_FIELD =
  /unrecogni[sz]ed|unknown|unsupported|not (?:be )?(?:valid|supported|permitted|allowed|recogni[sz]ed)|unexpected|n(?:o|')t support|cannot be used|deprecated|extra[ _](?:inputs?|fields?|forbidden)|additional propert|invalid (?:param|arg|field)/i;

/**
 * Parameters that a provider has refused: left out, or called by the name that it knows, from then
 * on.
 */
export class RefusedParameters {
  #hasStreamOptions = true;
  #tokenLimit: typeof TOKEN_LIMITS[number] | undefined;

  /** The request's body as the provider takes it. */
  applied(body: Fields): Fields {
    const applied = { ...body };
    if (!this.#hasStreamOptions) delete applied["stream_options"];
    const limit = this.#tokenLimit;
    const other = TOKEN_LIMITS.find((name) => name !== limit);
    if (limit !== undefined && other !== undefined && applied[other] !== undefined) {
      applied[limit] ??= applied[other];
      delete applied[other];
    }
    return applied;
  }

  /**
   * Reads a refusal (the body of a 400 or 422) of the request that was `sent`; says whether another
   * try, with what was learnt, may do better.
   */
  learn(sent: Fields, refusal: string): boolean {
    const limit = TOKEN_LIMITS.find((name) => sent[name] !== undefined && names(refusal, name));
    const other = TOKEN_LIMITS.find((name) => name !== limit);
    const isRefused = limit !== undefined && other !== undefined &&
      (UNKNOWN_FIELD.test(refusal) || names(refusal, other));
    if (isRefused && this.#tokenLimit === undefined) {
      this.#tokenLimit = other;
      return true;
    }
    if (sent["stream_options"] === undefined || !this.#hasStreamOptions) return false;
    // The words may name the field, what is in it, or only that there was one too many.
    const isNamed = /stream[ _-]?options|include[ _-]?usage/i.test(refusal);
    if (!isNamed && !UNKNOWN_FIELD.test(refusal)) return false;
    this.#hasStreamOptions = false;
    return true;
  }
}

const names = (text: string, name: string) => new RegExp(`\\b${name}\\b`).test(text);
