import { families, idIn, keys } from "../state/key_space.ts";
import { APP_VERSION, SCHEMA_VERSION } from "../state/schema.ts";
import type { IndexEntry, SortedIndex, StateKey, StateStore } from "../state/state_store.ts";
import type { Line } from "./lines.ts";

const PAGE = 200;

/**
 * All that people have made, record by record; a page of them is in memory at a time, and the ids of
 * what was given, as a store that is walked may name a key twice. A store that is being written to is
 * given as it is at the time of each record: for one moment of all of it, export a backup.
 */
export async function* exportStore(store: StateStore): AsyncGenerator<Line> {
  yield {
    type: "header",
    record: { project: "webui-realtime", schema: SCHEMA_VERSION, written_by: APP_VERSION },
  };
  const counts: Record<string, number> = {};
  for await (const line of records(store)) {
    counts[line.type] = (counts[line.type] ?? 0) + 1;
    yield line;
  }
  yield { type: "end", record: Object.fromEntries(Object.entries(counts).sort()) };
}

async function* records(store: StateStore): AsyncGenerator<Line> {
  const users = new Set<string>();
  for await (const line of exportUsers(store)) {
    users.add(line.record.id);
    yield line;
  }
  yield* exportGroups(store);
  yield* exportChats(store, users);
  yield* exportNotes(store);
  yield* exportChannels(store);
}

type LineOf<T extends Line["type"]> = Extract<Line, { type: T }>;

async function* exportUsers(store: StateStore): AsyncGenerator<LineOf<"user">> {
  const activity = store.dictionary(keys.userActivity);
  for await (const ids of idsOf(store, families.users)) {
    const [found, seen] = await Promise.all([
      store.values.getMany(ids.map(keys.user)),
      activity.getMany(ids),
    ]);
    for (const [at, user] of found.entries()) {
      if (!user) continue;
      const last_active_at = Math.max(user.last_active_at, seen[at] ?? 0);
      yield { type: "user", record: { ...user, last_active_at } };
    }
  }
}

async function* exportGroups(store: StateStore): AsyncGenerator<Line> {
  for await (const ids of idsOf(store, families.groups)) {
    for (const group of await store.values.getMany(ids.map(keys.group))) {
      if (!group) continue;
      yield { type: "group", record: group };
      const group_id = group.id;
      for await (const { member, score } of entriesOf(store, keys.groupMembers(group_id))) {
        yield { type: "group_member", record: { group_id, user_id: member, joined_at: score } };
      }
    }
  }
}

/** What deleted users have left behind is about to go, and is left out. */
async function* exportChats(
  store: StateStore,
  users: ReadonlySet<string>,
): AsyncGenerator<Line> {
  for await (const ids of idsOf(store, families.chats)) {
    for (const chat of await store.values.getMany(ids.map(keys.chat))) {
      if (!chat || !users.has(chat.user_id)) continue;
      // Deleted, if it can still be brought back here: not there.
      if ("deleted_at" in chat) continue;
      yield { type: "chat", record: chat };
      const messages = store.dictionary(keys.chatMessages(chat.id));
      for await (const page of messages.scan({ pageSize: PAGE })) {
        for (const [, message] of page) {
          yield { type: "chat_message", record: { chat_id: chat.id, message } };
        }
      }
    }
  }
}

async function* exportNotes(store: StateStore): AsyncGenerator<Line> {
  for await (const ids of idsOf(store, families.notes)) {
    const [notes, texts] = await Promise.all([
      store.values.getMany(ids.map(keys.note)),
      store.values.getMany(ids.map(keys.noteData)),
    ]);
    for (const [at, note] of notes.entries()) {
      if (!note) continue;
      const listed = store.sortedIndex(keys.notesOf("user", note.user_id));
      const listed_at = await listed.score(note.id) ?? note.updated_at * 1_000;
      yield { type: "note", record: { note, data: texts[at] ?? null, listed_at } };
    }
  }
}

async function* exportChannels(store: StateStore): AsyncGenerator<Line> {
  for await (const ids of idsOf(store, families.channels)) {
    for (const channel of await store.values.getMany(ids.map(keys.channel))) {
      if (!channel) continue;
      const { id } = channel;
      const listed = store.sortedIndex(keys.channelsOf("user", channel.user_id));
      const listed_at = await listed.score(id) ?? channel.updated_at * 1_000;
      yield { type: "channel", record: { channel, listed_at } };
      yield* exportChannel(store, id);
    }
  }
}

async function* exportChannel(store: StateStore, channel_id: string): AsyncGenerator<Line> {
  for await (const page of store.dictionary(keys.channelMembers(channel_id)).scan()) {
    for (const [, record] of page) yield { type: "channel_member", record };
  }
  for await (const page of store.dictionary(keys.channelMessages(channel_id)).scan()) {
    for (const [, record] of page) yield { type: "channel_message", record };
  }
  for await (const { member, score } of entriesOf(store, keys.channelPins(channel_id))) {
    yield { type: "channel_pin", record: { channel_id, message_id: member, position: score } };
  }
  for await (const page of store.dictionary(keys.channelReads(channel_id)).scan()) {
    for (const [user_id, { at, position }] of page) {
      yield { type: "channel_read", record: { channel_id, user_id, at, position } };
    }
  }
}

/** The ids of all records of a kind, a page at a time, each once. */
async function* idsOf(store: StateStore, family: StateKey): AsyncGenerator<string[]> {
  const given = new Set<string>();
  for await (const page of store.values.names(family)) {
    const fresh = page.map(idIn).filter((id) => !given.has(id) && given.add(id));
    for (let at = 0; at < fresh.length; at += PAGE) yield fresh.slice(at, at + PAGE);
  }
}

async function* entriesOf(store: StateStore, key: StateKey): AsyncGenerator<IndexEntry> {
  const index: SortedIndex = store.sortedIndex(key);
  let cursor: string | undefined;
  do {
    const page = await index.page({ limit: PAGE, ...(cursor !== undefined && { cursor }) });
    yield* page.entries;
    cursor = page.cursor;
  } while (cursor !== undefined);
}
