/** Pictures by data URI, which are long: a text is read without them, and they are put back. */

const DATA_URI = /data:[a-z]+\/[a-z0-9.+-]+(?:;[a-z0-9=.-]+)*;base64,[a-z0-9+/=_-]*/gi;
/** Signs that no text may hold (noncharacters), so that none can be taken for what stands for a URI. */
const [OPEN, CLOSE] = ["\ufdd0", "\ufdd1"];
const MARKS = /[\ufdd0\ufdd1]/g;
const STAND_IN = new RegExp(`${OPEN}(\\d+)${CLOSE}`, "g");
const SAFE = /^data:image\/(?:png|jpe?g|gif|webp|avif|bmp);base64,/i;
/** Pictures beyond this are named, not shown. */
const MAX_SHOWN = 16_000_000;

/** Whether a page may show this URI as a picture: of a type that can't hold a program, and not huge. */
export const isSafePicture = (uri: string) => SAFE.test(uri) && uri.length <= MAX_SHOWN;

/** A text whose data URIs are short stand-ins. */
export class DataUris {
  readonly text: string;
  readonly #uris: string[] = [];

  constructor(text: string) {
    this.text = text.replace(MARKS, "\ufffd").replace(
      DATA_URI,
      (uri) => `${OPEN}${this.#uris.push(uri) - 1}${CLOSE}`,
    );
  }

  /** The URI that is all of this text. */
  of(text: string): string | undefined {
    const [all, number] = new RegExp(STAND_IN.source).exec(text) ?? [];
    return all !== undefined && all === text ? this.#uris[Number(number)] : undefined;
  }

  /** The text with its URIs put back. */
  restored(text: string): string {
    return this.replaced(text, (uri) => uri);
  }

  replaced(text: string, replacement: (uri: string) => string): string {
    if (this.#uris.length === 0) return text;
    return text.replace(STAND_IN, (_, number) => replacement(this.#uris[Number(number)] ?? ""));
  }

  /** Whether there is a stand-in in the text. */
  isIn(text: string): boolean {
    return this.#uris.length > 0 && text.includes(OPEN);
  }
}
