import { type AccessChange, accessChanges } from "../auth/access_changes.ts";
import { loadSecretKey } from "../auth/secret_key.ts";
import { SignInGuard } from "../auth/sign_in_guard.ts";
import { TokenService } from "../auth/token_service.ts";
import { ChannelStore } from "../channels/channel_store.ts";
import { ChatAnswers } from "../chats/answers.ts";
import { ChatStore } from "../chats/chat_store.ts";
import { GroupStore } from "../groups/group_store.ts";
import { NoteStore } from "../notes/note_store.ts";
import { type QuotaLimits, UserQuotas } from "../quotas/user_quotas.ts";
import { type HashCost, PasswordHasher } from "../users/password_hasher.ts";
import { UserActivity } from "../users/user_activity.ts";
import { UserStore } from "../users/user_store.ts";
import { AppError } from "../common/errors.ts";
import { systemClock, unixSeconds } from "../common/clock.ts";
import type { Knowledge } from "../realtime/knowledge.ts";
import { keys } from "../state/key_space.ts";
import type { Foundation } from "./foundation.ts";

/** Channels that are joined with one look at the store. */
const CHANNELS_AT_ONCE = 200;

export type OwnData = Awaited<ReturnType<typeof openOwnData>>;

/** What may be chosen of people and their things by whoever embeds the server. */
export interface OwnDataOptions {
  /** What the hash of a new password costs. Default: as OWASP advises, some 0.3 s of a core. */
  passwordCost?: HashCost;
}

/** People and their things, kept in this server's own store. */
export async function openOwnData(
  { config, store, topics, logger }: Foundation,
  { passwordCost }: OwnDataOptions = {},
) {
  const announce = (change: AccessChange) => topics.announce(accessChanges, change);
  const users = new UserStore({
    ...{ store, announce },
    passwords: new PasswordHasher(passwordCost && { cost: passwordCost }),
    defaultRole: config.defaultUserRole,
  });
  const findUser = (userId: string) => users.get(userId);
  const { secret, source } = await loadSecretKey(config.secretKey, store);
  const expiresInMs = config.jwtExpiresInMs;
  const tokens = await TokenService.open({ store, secret, expiresInMs, findUser, announce });
  logger.info("store open", { store: store.name, signingKey: source });
  const signIns = new SignInGuard({ store, secret, limit: config.signinRateLimit });
  const groups = new GroupStore(store);
  const quotas = new UserQuotas(store, quotaLimits(config));
  const chats = new ChatStore(store, systemClock, quotas);
  return {
    ...{ users, tokens, signIns, groups, chats, quotas },
    activity: new UserActivity({ lastActive: store.dictionary(keys.userActivity) }),
    answers: new ChatAnswers(chats),
    notes: new NoteStore({ store, groups, findUser, quotas }),
    channels: new ChannelStore({ store, groups, quotas }),
  };
}

export const quotaLimits = (config: Foundation["config"]): QuotaLimits => ({
  chats: config.quotaChats,
  messages: config.quotaMessages,
  chat_bytes: config.quotaChatBytes,
  notes: config.quotaNotes,
  note_bytes: config.quotaNoteBytes,
  channels: config.quotaChannels,
  posts: config.quotaPosts,
  post_bytes: config.quotaPostBytes,
});

/** What the real-time layer needs to know, from this server's own store. */
export function ownKnowledge(
  { tokens, users, activity, channels, chats, notes }: OwnData,
  { markChannelRead }: { markChannelRead: Knowledge["channels"]["markRead"] },
): Knowledge {
  return {
    async verify(token) {
      const { user, claims } = await tokens.verify(token);
      const { id, name, email, role, last_active_at, created_at, updated_at } = user;
      const { jti, exp, iat } = claims;
      return {
        user: {
          ...{ id, name, email, role, last_active_at, created_at, updated_at },
          last_seen_at: unixSeconds(systemClock),
        },
        ...{ jti, exp, iat },
        async stillCounts() {
          if (!await tokens.stillCounts({ id, jti, exp, iat })) return false;
          return (await users.get(id))?.role === role;
        },
      };
    },
    touchUser: (userId) => activity.touch(userId),
    channels: {
      async *of(user) {
        let cursor: string | undefined;
        do {
          const at = cursor === undefined ? {} : { cursor };
          const page = await channels.page(user, { limit: CHANNELS_AT_ONCE, ...at });
          yield page.channels.map(({ id }) => id);
          cursor = page.cursor;
        } while (cursor !== undefined);
      },
      async mayEnter(userId, channelId) {
        const user = await users.get(userId);
        return user !== undefined && await channels.mayRead(user, channelId);
      },
      markRead: markChannelRead,
    },
    chats: {
      async access({ id }, chatId) {
        const isOwner = await chats.summary(id, chatId).then(() => true, absent(false));
        return { isOwner, read: isOwner, write: isOwner };
      },
      async markRead(userId, chatId) {
        return await chats.lists.markRead(userId, chatId).then((chat) => ({
          ...{ last_read_at: chat.last_read_at, chat, reason: "marked" as const },
        }), absent(undefined));
      },
    },
    notes,
  };
}

/** What is not there is an answer, and no failure. */
const absent = <T>(answer: T) => (thrown: unknown): T => {
  if (thrown instanceof AppError && thrown.code === "not_found") return answer;
  throw thrown;
};
