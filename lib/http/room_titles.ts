import { keys } from "../state/key_space.ts";
import type { StateStore } from "../state/state_store.ts";
import type { UserStore } from "../users/user_store.ts";

interface Sources {
  store: StateStore;
  users: Pick<UserStore, "get">;
}

const GONE = "nobody any more";

/**
 * What rooms and tasks are called, for admins: channels by their names, everything else by whose it is.
 * What other people's chats and notes are about is theirs. Made for one reading: it asks for each once.
 */
export function roomTitles({ store, users }: Sources): (room: string) => Promise<string> {
  const known = new Map<string, Promise<string>>();
  const nameOf = async (userId: string) => (await users.get(userId))?.name ?? GONE;
  const KINDS: Record<string, (id: string) => Promise<string>> = {
    user: nameOf,
    async channel(id) {
      const channel = await store.values.get(keys.channel(id));
      return channel?.name ? `# ${channel.name}` : channel ? "a direct conversation" : "a channel";
    },
    async chat(id) {
      const chat = await store.values.get(keys.chat(id));
      return chat ? `a chat of ${await nameOf(chat.user_id)}` : "a temporary chat";
    },
    temporary: () => Promise.resolve("a temporary chat"),
    async note(id) {
      const note = await store.values.get(keys.note(id));
      return note ? `a note of ${await nameOf(note.user_id)}` : "a note";
    },
  };
  const find = async (room: string) => {
    // `doc_note:` is a note that is edited, `viewers:channel:` a channel that is looked at.
    const bare = room.replace(/^(doc_|viewers:)/, "");
    const at = bare.indexOf(":");
    const kind = at < 0 ? undefined : KINDS[bare.slice(0, at)];
    return kind ? await kind(bare.slice(at + 1)) : bare;
  };
  return (room) => {
    const found = known.get(room) ?? find(room);
    known.set(room, found);
    return found;
  };
}
