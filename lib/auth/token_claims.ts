import * as v from "valibot";

/**
 * What a token says (docs/protocol.md, section 2): Open WebUI's own claims, so that its tokens count here
 * and ours there. All times are unix seconds.
 */
export const TokenClaimsSchema = v.object({
  /** The user. */
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  /** `undefined`: never ends. */
  exp: v.optional(v.number()),
  iat: v.optional(v.number()),
  /** Tokens of old Open WebUI versions have none. */
  jti: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(200))),
  /** What the token is for; what is not named here lets nobody in. Absent: a session. */
  typ: v.optional(v.picklist(["session", "automation", "subagent"])),
});

export type TokenClaims = v.InferOutput<typeof TokenClaimsSchema>;
