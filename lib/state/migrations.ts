import { families, idIn, keys, typed } from "./key_space.ts";
import { type Chat } from "../protocol/chat.ts";
import { NumberSchema } from "./records.ts";
import type { StateStore } from "./state_store.ts";

/**
 * Brings what a store holds into the form of one version. It may be cut short and begun again, and
 * servers of the version before may still be writing: each step changes one record atomically, and
 * does nothing to one that has the new form.
 */
export interface Migration {
  /** For the log. */
  readonly what: string;
  run(store: StateStore): Promise<void>;
}

/** How many records are changed at once. */
const AT_ONCE = 50;

/** What a chat's record holds beside what is shown of it. */
type SizedChat = Chat & { size?: number };

const deletedUsersRenamed: Migration = {
  what: "departed_users is named deleted_users",
  async run(store) {
    const before = store.dictionary(typed(NumberSchema, ["rt", "departed_users"]));
    const after = store.dictionary(keys.deletedUsers);
    for await (const page of before.scan()) {
      await Promise.all(page.map(([id, at]) => after.update(id, (now) => now ?? at)));
      await before.delete(...page.map(([id]) => id));
    }
  },
};

const chatsCounted: Migration = {
  what: "chats know how many messages they have",
  async run(store) {
    const count = async (chatId: string) => {
      const chat = await store.values.get<SizedChat>(keys.chat(chatId));
      if (chat === undefined || chat.size !== undefined) return;
      let size = 0;
      for await (const page of store.dictionary(keys.chatMessages(chatId)).scan()) {
        size += page.length;
      }
      await store.values.update<SizedChat>(
        keys.chat(chatId),
        (now) => now && now.size === undefined ? { ...now, size } : now,
      );
    };
    for await (const page of store.values.names(families.chats)) {
      for (let at = 0; at < page.length; at += AT_ONCE) {
        await Promise.all(page.slice(at, at + AT_ONCE).map((key) => count(idIn(key))));
      }
    }
  },
};

/** The first makes version 1 of what has no version, the second version 2, and so on. */
export const MIGRATIONS: readonly Migration[] = [deletedUsersRenamed, chatsCounted];
