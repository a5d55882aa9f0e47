/** A token, or what gives one: asked again when a token does not count any more. */
export type Token = string | (() => string | Promise<string>);

/** The token of now, and how to come by another. */
export class TokenSource {
  #give: (() => string | Promise<string>) | undefined;
  #token: string | undefined;
  #asking: Promise<string> | undefined;

  constructor(token: Token) {
    if (typeof token === "function") this.#give = token;
    else this.#token = token;
  }

  /** The token that was given last; `undefined` before the first. */
  get current(): string | undefined {
    return this.#token;
  }

  /** Rejects with what the giver throws. */
  get(): Promise<string> {
    return this.#token === undefined ? this.#ask() : Promise.resolve(this.#token);
  }

  /** Another token than the one that was refused; `undefined`: there is none. */
  async renew(refused: string): Promise<string | undefined> {
    if (this.#token !== undefined && this.#token !== refused) return this.#token;
    const token = this.#give && await this.#ask();
    return token === refused ? undefined : token;
  }

  /** From now on this one counts. */
  use(token: string): void {
    this.#token = token;
    this.#asking = undefined;
  }

  /** Asked by several at once, the giver is asked once. */
  #ask(): Promise<string> {
    if (this.#asking) return this.#asking;
    const asking: Promise<string> = (async () => await this.#give?.() ?? "")()
      .then((token) => {
        if (this.#asking === asking) this.#token = token;
        return this.#token ?? token;
      })
      .finally(() => {
        if (this.#asking === asking) this.#asking = undefined;
      });
    return this.#asking = asking;
  }
}
