import { type Token, Tokenizer, type Tokens } from "marked";

const CJK = String
  .raw`[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Bopomofo}\u3000-\u303f\uff01-\uffef]`;
const CJK_SIGN =
  /[\u3001-\u3003\u3008-\u3011\u3014-\u301f\u3030\u30fb\ufe30-\ufe4f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]/g;
/** A sign between asterisks and a CJK character, on either side of the asterisks. */
const SIGN_BESIDE_CJK = new RegExp(
  String.raw`(?![*_\s])[\p{P}\p{S}](?=\*+${CJK})|(?<=${CJK}\*+)(?![*_\s])[\p{P}\p{S}]`,
  "gu",
);
const ENDS_IN_CJK = new RegExp(`${CJK}$`, "u");
const OPENING = /^(\*+)([\p{P}\p{S}])/u;
const A_LETTER = "文";

/**
 * A text of the same length in which signs are letters wherever CJK writing has no spaces beside
 * them: there, asterisks mark what is emphasized whatever stands beside them. The rules are those of
 * https://github.com/tats-u/markdown-cjk-friendly; CommonMark's are for writing with spaces.
 */
function withCjkSignsAsLetters(text: string): string {
  return text.replace(CJK_SIGN, A_LETTER)
    .replace(SIGN_BESIDE_CJK, (sign) => A_LETTER.repeat(sign.length));
}

/** Reads what marks emphasis as it is meant in CJK writing, and takes one tilde as a tilde. */
export class AnswerTokenizer extends Tokenizer {
  #friendly = { masked: "", letters: "" };

  override emStrong(
    src: string,
    masked: string,
    before = "",
  ): Tokens.Em | Tokens.Strong | undefined {
    const [, stars, sign = ""] = OPENING.exec(src) ?? [];
    const isLetter = stars !== undefined && sign !== "*" &&
      (ENDS_IN_CJK.test(before) || new RegExp(CJK_SIGN.source).test(sign));
    const letters = src.startsWith("*") ? this.#lettersOf(masked) : masked;
    if (!isLetter) return super.emStrong(src, letters, before);
    const asLetter = stars + A_LETTER.repeat(sign.length) + src.slice(stars.length + sign.length);
    // Found in the stand-in, read from the text itself.
    const finder = { rules: this.rules, lexer: { inlineTokens: (): Token[] => [] } };
    const found = super.emStrong.call(finder as unknown as this, asLetter, letters, before);
    if (!found) return undefined;
    const raw = src.slice(0, found.raw.length);
    const width = found.type === "em" ? 1 : 2;
    const text = raw.slice(width, -width);
    return { ...found, raw, text, tokens: this.lexer.inlineTokens(text) };
  }

  /** Asked for at every asterisk of a paragraph, with the same mask. */
  #lettersOf(masked: string): string {
    if (masked !== this.#friendly.masked) {
      this.#friendly = { masked, letters: withCjkSignsAsLetters(masked) };
    }
    return this.#friendly.letters;
  }

  /** `1~2 and 3~4` are ranges. */
  override del(src: string): Tokens.Del | undefined {
    return src.startsWith("~~") ? super.del(src) : undefined;
  }
}
