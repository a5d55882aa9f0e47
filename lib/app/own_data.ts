import { type AccessChange, accessChanges } from "../auth/access_changes.ts";
import { loadSecretKey } from "../auth/secret_key.ts";
import { TokenService } from "../auth/token_service.ts";
import { ChannelStore } from "../channels/channel_store.ts";
import { ChatAnswers } from "../chats/answers.ts";
import { ChatStore } from "../chats/chat_store.ts";
import { GroupStore } from "../groups/group_store.ts";
import { NoteStore } from "../notes/note_store.ts";
import { PasswordHasher } from "../users/password_hasher.ts";
import { UserActivity } from "../users/user_activity.ts";
import { UserStore } from "../users/user_store.ts";
import type { Foundation } from "./foundation.ts";

export type OwnData = Awaited<ReturnType<typeof openOwnData>>;

/** People and their things, kept in this server's own store. */
export async function openOwnData({ config, store, topics, logger }: Foundation) {
  const announce = (change: AccessChange) => topics.announce(accessChanges, change);
  const users = new UserStore({
    ...{ store, announce },
    passwords: new PasswordHasher(),
    defaultRole: config.defaultUserRole,
  });
  const findUser = (userId: string) => users.get(userId);
  const { secret, source } = await loadSecretKey(config.secretKey, store);
  const expiresInMs = config.jwtExpiresInMs;
  const tokens = await TokenService.open({ store, secret, expiresInMs, findUser, announce });
  logger.info("store open", { store: store.name, signingKey: source });
  const groups = new GroupStore(store);
  const chats = new ChatStore(store);
  return {
    ...{ users, tokens, groups, chats },
    activity: new UserActivity({ store }),
    answers: new ChatAnswers(chats),
    notes: new NoteStore({ store, groups, findUser }),
    channels: new ChannelStore({ store, groups }),
  };
}
