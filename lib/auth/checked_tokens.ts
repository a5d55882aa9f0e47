import type { TokenClaims } from "./token_claims.ts";

/**
 * Claims of tokens whose signature held, least recently used out first: a signature never changes,
 * and checking it is half of what a request's token costs beside the store. What may change (end,
 * revocation, user) is no part of it.
 */
export class CheckedTokens<C extends object = TokenClaims> {
  readonly #max: number;
  readonly #claims = new Map<string, C>();

  /** `max`: how many tokens are kept, some 1 KB each. */
  constructor(max = 5_000) {
    this.#max = max;
  }

  get(token: string): C | undefined {
    const claims = this.#claims.get(token);
    if (!claims) return undefined;
    this.#claims.delete(token);
    this.#claims.set(token, claims);
    return claims;
  }

  add(token: string, claims: C): void {
    this.#claims.set(token, Object.freeze(claims));
    const oldest = this.#claims.keys().next();
    if (this.#claims.size > this.#max && !oldest.done) this.#claims.delete(oldest.value);
  }
}
