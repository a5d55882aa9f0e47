import { errors, jwtVerify, SignJWT } from "jose";
import * as v from "valibot";
import { type Clock, systemClock, unixSeconds } from "../common/clock.ts";
import { AppError } from "../common/errors.ts";
import { pause } from "../common/pause.ts";
import type { User } from "../protocol/user.ts";
import { keys } from "../state/key_space.ts";
import type { StateStore } from "../state/state_store.ts";
import type { AccessChange } from "./access_changes.ts";
import { CheckedTokens } from "./checked_tokens.ts";
import { type TokenClaims, TokenClaimsSchema } from "./token_claims.ts";

export interface TokenServiceOptions {
  store: StateStore;
  /** Finds a user; may answer from a cache that access changes empty. */
  findUser(userId: string): Promise<User | undefined>;
  /** Tells all instances what no longer counts. */
  announce(change: AccessChange): Promise<void>;
  /** `WEBUI_SECRET_KEY`. */
  secret: string;
  /** How long a token counts; `null`: for ever. Default: four weeks. */
  expiresInMs?: number | null;
  /** Default: the system's. */
  clock?: Clock;
}

export interface IssuedToken {
  token: string;
  /** Unix seconds; `null`: never. */
  expires_at: number | null;
}

export interface VerifyOptions {
  /** Whether a user who waits for an admin's consent counts, too. Default: `false`. */
  allowPending?: boolean;
}

/** A token that counts, and whose it is. */
export interface VerifiedToken {
  user: User;
  claims: TokenClaims;
}

const ALGORITHM = "HS256";
const FOUR_WEEKS_MS = 4 * 7 * 86_400_000;
/** Ours have some 300; more is not worth hashing. */
const MAX_TOKEN_LENGTH = 4_096;
/** How far another instance's clock may be ahead. A token from further on could outlive its revocation. */
const MAX_CLOCK_SKEW_SECONDS = 60;
/** A revocation holds for its whole second; two waits of a second see the end of it. */
const MAX_WAITS_FOR_NEXT_SECOND = 2;

function notCounting(cause?: unknown): AppError {
  return new AppError("unauthenticated", "Sign in: the token is missing or no longer counts.", {
    cause,
  });
}

function expired(cause?: unknown): AppError {
  return new AppError("token_expired", "The token has expired: sign in again.", { cause });
}

/**
 * Issues, checks and revokes tokens (docs/protocol.md, sections 2 and 9), by Open WebUI's keys and rules.
 *
 * No outcome is cached but that of the signature: an instance of Open WebUI revokes by writing the
 * key and tells nobody, so no cache could be emptied in time. A check costs one round trip, for both
 * revocations and the user together.
 */
export class TokenService {
  readonly #options: TokenServiceOptions;
  readonly #key: CryptoKey;
  readonly #clock: Clock;
  readonly #checked = new CheckedTokens();
  readonly #expiresInMs: number | null;

  private constructor(options: TokenServiceOptions, key: CryptoKey) {
    const { clock = systemClock, expiresInMs = FOUR_WEEKS_MS } = options;
    this.#options = options;
    this.#key = key;
    this.#clock = clock;
    this.#expiresInMs = expiresInMs;
  }

  static async open(options: TokenServiceOptions): Promise<TokenService> {
    // Imported once: from bytes, each check would import it again and take twice as long.
    const key = await crypto.subtle.importKey(
      "raw",
      new TextEncoder().encode(options.secret),
      { name: "HMAC", hash: "SHA-256" },
      false,
      ["sign", "verify"],
    );
    return new TokenService(options, key);
  }

  /** @throws {AppError} `unavailable` when the store can't be reached */
  async issue(user: Pick<User, "id">): Promise<IssuedToken> {
    const iat = await this.#secondAfterRevocation(user.id);
    const life = this.#expiresInMs;
    const exp = life === null ? undefined : iat + Math.max(1, Math.floor(life / 1_000));
    const jwt = new SignJWT({ id: user.id })
      .setProtectedHeader({ alg: ALGORITHM, typ: "JWT" })
      .setIssuedAt(iat)
      .setJti(crypto.randomUUID());
    if (exp !== undefined) jwt.setExpirationTime(exp);
    return { token: await jwt.sign(this.#key), expires_at: exp ?? null };
  }

  /**
   * @throws {AppError} `unauthenticated` for a token that does not count, `token_expired` for one that
   * did, `forbidden` for a user who is pending, `unavailable` when the store can't say: in doubt nobody gets in
   */
  async verify(token: string, options: VerifyOptions = {}): Promise<VerifiedToken> {
    const claims = await this.#verified(token);
    return { user: await this.#check(claims, options), claims };
  }

  /**
   * Whether claims that counted once still do; for sessions, when changes may have been missed.
   *
   * @throws {AppError} `unavailable` when the store can't say
   */
  async stillCounts(claims: TokenClaims): Promise<boolean> {
    try {
      if (claims.exp !== undefined && claims.exp <= unixSeconds(this.#clock)) return false;
      await this.#check(claims, {});
      return true;
    } catch (thrown) {
      const isNo = thrown instanceof AppError &&
        ["unauthenticated", "token_expired", "forbidden"].includes(thrown.code);
      if (isNo) return false;
      throw thrown;
    }
  }

  /** Ends one token. One that has no id of its own can only end with all others of its user. */
  async revoke(claims: TokenClaims): Promise<void> {
    const { id, jti, exp } = claims;
    if (jti === undefined) return await this.revokeAll(id);
    // One second more than its life, so that no rounding brings it back.
    const ttlMs = exp === undefined ? undefined : (exp + 1) * 1_000 - this.#clock.nowMs();
    if (ttlMs !== undefined && ttlMs <= 0) return;
    await this.#options.store.values.set(keys.revokedToken(jti), 1, { ttlMs });
    await this.#options.announce({ type: "token_revoked", jti, user_id: id });
  }

  /** Ends all tokens that the user has been given until now. */
  async revokeAll(userId: string): Promise<void> {
    const ttlMs = this.#expiresInMs === null ? undefined : this.#expiresInMs + 1_000;
    const now = unixSeconds(this.#clock);
    await this.#options.store.values.set(keys.userRevokedAt(userId), now, { ttlMs });
    await this.#options.announce({ type: "user_revoked", user_id: userId });
  }

  /** Signature, algorithm, end and beginning. */
  async #verified(token: string): Promise<TokenClaims> {
    if (token.length > MAX_TOKEN_LENGTH) throw notCounting();
    const known = this.#checked.get(token);
    if (known) {
      if (known.exp !== undefined && known.exp <= unixSeconds(this.#clock)) throw expired();
      return known;
    }
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: [ALGORITHM],
        currentDate: new Date(this.#clock.nowMs()),
      });
      const claims = v.parse(TokenClaimsSchema, payload);
      // Open WebUI also makes tokens for its automations and subagents: this server has neither.
      if ((claims.typ ?? "session") !== "session") throw notCounting();
      this.#checked.add(token, claims);
      return claims;
    } catch (cause) {
      throw cause instanceof errors.JWTExpired ? expired(cause) : notCounting(cause);
    }
  }

  /** Asks for the user and the revocations at once, and judges the token before the user. */
  async #check(claims: TokenClaims, { allowPending = false }: VerifyOptions): Promise<User> {
    const [user] = await Promise.all([
      this.#options.findUser(claims.id),
      this.#requireUnrevoked(claims),
    ]);
    if (!user) throw notCounting();
    if (user.role === "pending" && !allowPending) {
      throw new AppError("forbidden", "Your account waits for an admin to activate it.");
    }
    return user;
  }

  /** Not revoked, neither by itself nor with all of its user's. */
  async #requireUnrevoked({ id, jti, iat }: TokenClaims): Promise<void> {
    if (iat !== undefined && iat > unixSeconds(this.#clock) + MAX_CLOCK_SKEW_SECONDS) {
      throw notCounting();
    }
    const revokedAtKey = keys.userRevokedAt(id);
    const [revokedAt, revoked] = await this.#options.store.values.getMany<unknown>(
      jti === undefined ? [revokedAtKey] : [revokedAtKey, keys.revokedToken(jti)],
    );
    if (revoked !== undefined) throw notCounting();
    // Within a second nobody can say which came first: it counts as revoked, as in Open WebUI.
    if (revokedAt !== undefined && !(iat !== undefined && iat > Number(revokedAt))) {
      throw notCounting();
    }
  }

  /** A token of the very second of a revocation would be void: who signs in waits for the next. */
  async #secondAfterRevocation(userId: string): Promise<number> {
    for (let waits = 0;; waits++) {
      const revokedAt = await this.#options.store.values.get<unknown>(keys.userRevokedAt(userId));
      const now = unixSeconds(this.#clock);
      const isLater = revokedAt === undefined || now > Number(revokedAt);
      if (isLater || waits === MAX_WAITS_FOR_NEXT_SECOND) return now;
      await pause(1_000 - (this.#clock.nowMs() % 1_000));
    }
  }
}
