import { AppError } from "../common/errors.ts";
import { pause, yieldToEvents } from "../common/pause.ts";
import { mapInTurns } from "../common/turns.ts";
import { type ChatMessage, MAX_MESSAGES } from "../protocol/chat.ts";
import type { Dictionary } from "../state/state_store.ts";
import { storedSize } from "../quotas/user_quotas.ts";
import type { Knowledge } from "./knowledge.ts";
import {
  fromClient,
  isDeletedBy,
  mergedMessage,
  type Stamps,
  type StoredMessage,
  toClient,
} from "./merge_history.ts";
import type { Messages } from "./message_tree.ts";

/** How many messages are read at once when a chat is put together. */
const MESSAGES_PAGE = 200;
/** How many messages are written at once. */
const WRITES_AT_ONCE = 100;

/** What a merge has done: the messages that are to be stamped, and those that are gone. */
export interface Merged {
  added: string[];
  edited: string[];
  deleted: string[];
  /** How many messages there are now, where all were looked at. */
  size?: number;
  /** By how much more the messages take. */
  bytes?: number;
}

/** The messages of one chat, each an entry of its own. */
export class ChatMessages {
  readonly #stored: Dictionary<StoredMessage>;

  constructor(stored: Dictionary<StoredMessage>) {
    this.#stored = stored;
  }

  /** The first messages of a chat that nobody knows yet: all came with its first version. */
  async setFirst(messages: Messages): Promise<void> {
    const first = Object.fromEntries(
      Object.entries(messages).map(([id, message]) => [id, fromClient(message)]),
    );
    requireRoom(Object.keys(first).length);
    const stamps: Stamps = { added: { at: 1 } };
    await inGroups(
      Object.entries(first),
      (group) => this.#stored.setMany(group.map(([id, one]) => [id, { ...one, stamps }] as const)),
    );
  }

  async get(id: string): Promise<ChatMessage | undefined> {
    const message = await this.#stored.get(id);
    return message && toClient(message);
  }

  /** All messages, in the order in which they came. */
  async inOrder(): Promise<ChatMessage[]> {
    const all = [...(await this.#all()).values()].sort(byArrival);
    if (all.length > MESSAGES_PAGE) await yieldToEvents();
    return await mapInTurns(all, toClient);
  }

  /** As {@linkcode Dictionary.update}; the stamps stay as they are. */
  async change(
    id: string,
    change: (message: ChatMessage | undefined) => ChatMessage | undefined,
  ): Promise<{ changed: ChatMessage | undefined; isNew: boolean }> {
    let isNew = false;
    const changed = await this.#stored.update(id, (current) => {
      isNew = current === undefined;
      const next = change(current && toClient(current));
      return next && { ...next, stamps: current?.stamps ?? { added: {} } };
    });
    return { changed: changed && toClient(changed), isNew: isNew && changed !== undefined };
  }

  /**
   * Takes what a client's history has of the messages, and deletes what it left out with knowledge;
   * what something unseen hangs on stays. Messages in `gone` do not come back.
   */
  async merge(
    given: Messages,
    { knowledge, gone }: { knowledge: Knowledge | undefined; gone: ReadonlySet<string> },
  ): Promise<Merged> {
    const all = await this.#all();
    const copies = Object.values(given)
      .filter(({ id }) => all.has(id) || !gone.has(id))
      .map((copy) => {
        const { parentId } = all.get(copy.id) ?? {};
        // An older copy hangs on what is gone by now: the message has moved up meanwhile.
        return parentId !== undefined && gone.has(copy.parentId ?? "")
          ? { ...copy, parentId }
          : copy;
      });
    const left = deletable(all, given, knowledge);
    const added = copies.filter(({ id }) => !all.has(id)).map(({ id }) => id);
    requireRoom(all.size + added.length - left.size);
    const edited: string[] = [];
    const deleted: string[] = [];
    const isChange = await mapInTurns(copies, (copy) => {
      const current = all.get(copy.id);
      return mergedMessage(current, copy, knowledge) !== current;
    });
    const changed = copies.filter((_, at) => isChange[at]);
    await eachInGroups(changed, async (copy) => {
      let isEdited = false;
      await this.#stored.update(copy.id, (current) => {
        const merged = mergedMessage(current, copy, knowledge);
        isEdited = current !== undefined && merged.stamps?.edited !== current.stamps?.edited;
        return merged;
      });
      if (isEdited) edited.push(copy.id);
    });
    await eachInGroups([...left], async (id) => {
      let isDeleted = false;
      await this.#stored.update(id, (current) => {
        isDeleted = current !== undefined && isDeletedBy(current, knowledge);
        return isDeleted ? undefined : current;
      });
      if (isDeleted) deleted.push(id);
    });
    const grownBy = (copy: ChatMessage) => storedSize(copy) - storedSize(all.get(copy.id));
    let bytes = 0;
    for (const growth of await mapInTurns(changed, grownBy)) bytes += growth;
    for (const id of deleted) bytes -= storedSize(all.get(id));
    return { added, edited, deleted, bytes, size: all.size + added.length - deleted.length };
  }

  /** Says with which version of the chat the messages came: who read that version has seen them. */
  async stamp({ added, edited }: Pick<Merged, "added" | "edited">, at: number): Promise<void> {
    await eachInGroups(added, (id) => this.#stamp(id, "added", at));
    await eachInGroups(edited, (id) => this.#stamp(id, "edited", at));
  }

  /** Names the message among its parent's children: they keep the order in which they came. */
  async adopt({ id, parentId }: ChatMessage): Promise<void> {
    if (!parentId) return;
    await this.#stored.update(
      parentId,
      (parent) =>
        parent && !parent.childrenIds.includes(id)
          ? { ...parent, childrenIds: [...parent.childrenIds, id] }
          : parent,
    );
  }

  clear(): Promise<void> {
    return this.#stored.clear();
  }

  async #stamp(id: string, what: "added" | "edited", at: number): Promise<void> {
    await this.#stored.update(
      id,
      (message) =>
        message &&
        { ...message, stamps: { ...message.stamps, [what]: { ...message.stamps?.[what], at } } },
    );
  }

  async #all(): Promise<Map<string, StoredMessage>> {
    const all = new Map<string, StoredMessage>();
    for await (const page of this.#stored.scan({ pageSize: MESSAGES_PAGE })) {
      for (const [id, message] of page) all.set(id, message);
    }
    return all;
  }
}

/** @throws {AppError} `too_large` for a chat of more messages than one may have */
export function requireRoom(count: number): void {
  if (count <= MAX_MESSAGES) return;
  throw new AppError("too_large", `A chat has at most ${MAX_MESSAGES} messages: begin a new one.`);
}

/** What the client left out with knowledge, but for what something that stays unseen hangs on. */
function deletable(
  all: ReadonlyMap<string, StoredMessage>,
  given: Messages,
  knowledge: Knowledge | undefined,
): Set<string> {
  const left = new Set<string>();
  const unseen: StoredMessage[] = [];
  for (const [id, message] of all) {
    if (Object.hasOwn(given, id)) continue;
    if (isDeletedBy(message, knowledge)) left.add(id);
    else unseen.push(message);
  }
  for (const message of unseen) {
    let parent = message.parentId;
    while (parent && left.delete(parent)) parent = all.get(parent)?.parentId;
  }
  return left;
}

/** What is not stamped yet came last. */
function byArrival(a: StoredMessage, b: StoredMessage): number {
  const at = ({ stamps }: StoredMessage) => stamps?.added ? stamps.added.at ?? Infinity : 0;
  const [atA, atB] = [at(a), at(b)];
  if (atA !== atB) return atA < atB ? -1 : 1;
  return (a.timestamp ?? 0) - (b.timestamp ?? 0) || (a.id < b.id ? -1 : 1);
}

/** Others have their turn in between. */
async function inGroups<T>(
  all: readonly T[],
  write: (group: readonly T[]) => Promise<unknown>,
): Promise<void> {
  for (let at = 0; at < all.length; at += WRITES_AT_ONCE) {
    await write(all.slice(at, at + WRITES_AT_ONCE));
    if (at + WRITES_AT_ONCE < all.length) await pause(0);
  }
}

const eachInGroups = <T>(all: readonly T[], write: (one: T) => Promise<void>): Promise<void> =>
  inGroups(all, (group) => Promise.all(group.map(write)));
