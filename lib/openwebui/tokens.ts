import { errors, jwtVerify } from "jose";
import * as v from "valibot";
import { CheckedTokens } from "../auth/checked_tokens.ts";
import { TokenClaimsSchema } from "../auth/token_claims.ts";
import { type Clock, systemClock, unixSeconds } from "../common/clock.ts";
import { AppError, errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { keys } from "../state/key_space.ts";
import type { ValueStore } from "../state/state_store.ts";
import type { Account, Accounts } from "./accounts.ts";
import type { Settings } from "./settings.ts";

const ClaimsSchema = v.object({
  ...TokenClaimsSchema.entries,
  /** How one signed in: a second factor may be asked of some ways and not of others. */
  auth_method: v.nullish(v.string(), ""),
  /** New at each revocation of all of a user's tokens, since 0.12.0. */
  session_stamp: v.nullish(v.string(), null),
  mfa_verified: v.optional(v.unknown()),
});

/** What a token of Open WebUI says, as far as it is measured by it. */
export type Claims = v.InferOutput<typeof ClaimsSchema>;

export interface TokensOptions {
  /** `WEBUI_SECRET_KEY`. */
  secret: string;
  accounts: Pick<Accounts, "find">;
  settings: Settings;
  /** Where Python revokes single tokens: the Redis of `REDIS_URL`. Default: nowhere, as without one. */
  revocations?: Pick<ValueStore, "getMany">;
  logger: Logger;
  /** Default: the system's. */
  clock?: Clock;
}

const ALGORITHM = "HS256";
const MAX_TOKEN_LENGTH = 4_096;
const ROLES = new Set(["pending", "user", "admin"]);

const notCounting = (cause?: unknown) =>
  new AppError("unauthenticated", "Sign in: the token is missing or no longer counts.", { cause });
const expired = (cause?: unknown) =>
  new AppError("token_expired", "The token has expired: sign in again.", { cause });

/** A setting of the second factor, from which each way to sign in can be let off. */
interface SecondFactor {
  isOn: boolean;
  withoutIt: ReadonlySet<string>;
}

/**
 * Checks Open WebUI's tokens by Open WebUI's rules: signature, end, the account and its stamp, second
 * factor, revocation in Redis, role. Many at once cost one query and one round trip to Redis.
 */
export class Tokens {
  readonly #options: TokensOptions;
  readonly #key: CryptoKey;
  readonly #clock: Clock;
  readonly #checked = new CheckedTokens<Claims>();
  #areRevocationsRead = true;

  private constructor(options: TokensOptions, key: CryptoKey) {
    this.#options = options;
    this.#key = key;
    this.#clock = options.clock ?? systemClock;
  }

  static async open(options: TokensOptions): Promise<Tokens> {
    const secret = new TextEncoder().encode(options.secret);
    const hmac = { name: "HMAC", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("raw", secret, hmac, false, ["verify"]);
    return new Tokens(options, key);
  }

  /**
   * @throws {AppError} `unauthenticated` for a token that does not count, `token_expired` for one that
   * did, `forbidden` for a user who is pending, `unavailable` when the database can't say
   */
  async verify(token: string): Promise<{ account: Account; claims: Claims }> {
    const claims = await this.signed(token);
    const [account = notCounting()] = await this.check([claims]);
    if (account instanceof AppError) throw account;
    return { account, claims };
  }

  /**
   * The account of each token whose signature held, or why it does not count, as {@linkcode verify}
   * throws it.
   *
   * @throws {AppError} `unavailable` when the database can't say
   */
  async check(tokens: readonly Claims[]): Promise<(Account | AppError)[]> {
    const ids = [...new Set(tokens.map(({ id }) => id))];
    const [accounts, factor, isRevoked] = await Promise.all([
      this.#options.accounts.find(ids),
      this.#secondFactor(),
      this.#revoked(tokens),
    ]);
    const now = unixSeconds(this.#clock);
    return tokens.map((claims, at) => {
      if (claims.exp !== undefined && claims.exp <= now) return expired();
      const account = accounts.get(claims.id);
      if (!account || isRevoked[at] || !isValidFor(account, claims, factor)) return notCounting();
      if (account.role === "pending") {
        return new AppError("forbidden", "An admin has to activate this account first.");
      }
      return account;
    });
  }

  /**
   * What the token says, if its signature holds.
   *
   * @throws {AppError} `unauthenticated`; `token_expired` for one whose signature does hold
   */
  async signed(token: string): Promise<Claims> {
    if (token.length > MAX_TOKEN_LENGTH) throw notCounting();
    const known = this.#checked.get(token);
    if (known) return known;
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: [ALGORITHM],
        currentDate: new Date(this.#clock.nowMs()),
      });
      const claims = v.parse(ClaimsSchema, payload);
      this.#checked.add(token, claims);
      return claims;
    } catch (cause) {
      throw cause instanceof errors.JWTExpired ? expired(cause) : notCounting(cause);
    }
  }

  async #secondFactor(): Promise<SecondFactor> {
    const { settings } = this.#options;
    const [isOn, isOauthFree, isHeaderFree] = await Promise.all([
      settings.get("auth.mfa.enable"),
      settings.get("auth.mfa.allow_oauth_bypass"),
      settings.get("auth.mfa.allow_trusted_header_bypass"),
    ]);
    const withoutIt = new Set<string>();
    if (isOauthFree) withoutIt.add("oauth");
    if (isHeaderFree) withoutIt.add("trusted_header");
    return { isOn: Boolean(isOn), withoutIt };
  }

  /** Which of the tokens were revoked. A Redis that can't say refuses nobody, as in Open WebUI. */
  async #revoked(tokens: readonly Claims[]): Promise<boolean[]> {
    const { revocations, logger } = this.#options;
    if (!revocations) return [];
    const asked = tokens.flatMap(({ id, jti }) => [
      keys.userRevokedAt(id),
      // A token without an id of its own can't be revoked by it; the same key keeps the places.
      jti === undefined ? keys.userRevokedAt(id) : keys.revokedToken(jti),
    ]);
    try {
      const found: readonly unknown[] = await revocations.getMany(asked);
      this.#areRevocationsRead = true;
      return tokens.map(({ jti, iat }, at) => {
        const [revokedAt, revoked] = [found[2 * at], found[2 * at + 1]];
        if (jti !== undefined && revoked !== undefined) return true;
        const since = Number(revokedAt);
        return revokedAt !== undefined && Number.isFinite(since) &&
          !(iat !== undefined && iat > since);
      });
    } catch (thrown) {
      if (this.#areRevocationsRead) {
        logger.warn("revocations can't be read: tokens count by the database alone", {
          error: errorText(thrown),
        });
      }
      this.#areRevocationsRead = false;
      return [];
    }
  }
}

function isValidFor(account: Account, claims: Claims, factor: SecondFactor): boolean {
  if (!account.active || !ROLES.has(account.role)) return false;
  if (account.session_stamp !== claims.session_stamp) return false;
  const isSession = (claims.typ ?? "session") === "session";
  if (!isSession || !factor.isOn || factor.withoutIt.has(claims.auth_method)) return true;
  const mfa = (account.mfa ?? {}) as Record<string, unknown>;
  return claims.mfa_verified === true && Boolean(mfa["secret"]) && !mfa["reset_required"];
}
