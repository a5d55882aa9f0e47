import type { ChannelChange } from "../client/channels.ts";
import { ClientError, messageOf } from "../client/errors.ts";
import type { Channel, ChannelMessage } from "../protocol/channel.ts";
import type { PublicUser } from "../protocol/user.ts";
import type { AppSession } from "./app_session.ts";
import { isInFront } from "./chat_hooks.ts";
import { newId } from "./new_id.ts";
import { Observable } from "./observable.ts";

/** A message on the page; one that is on its way has no id of the server's yet. */
export type Post = ChannelMessage & { isPending?: boolean };

/** What is shown at once; more is loaded on the way up. */
const PAGE_SIZE = 50;
/** Pages that are loaded again at most after a reconnect. */
const MAX_PAGES = 40;

/** A channel, or a thread of it: its messages and who is typing. */
export class ChannelModel implements Disposable {
  readonly changed = new Observable<ChannelModel>(this);
  readonly channelId: string;
  /** The message whose thread this is. */
  readonly threadId: string | undefined;
  channel:
    | (Channel & { write_access?: boolean; is_manager?: boolean; users?: PublicUser[] | null })
    | undefined;
  /** Oldest first; `undefined`: loading. */
  posts: Post[] | undefined;
  hasMore = false;
  typists: readonly PublicUser[] = [];
  loadError: string | undefined;
  /** Called when a model begins to answer, in a thread, what was said here. */
  onAnswered: ((question: Post) => void) | undefined;
  /** What was said on this page, by the names that it gave. */
  readonly #saidHere = new Set<string>();
  readonly #session: AppSession;
  readonly #ends: (() => void)[];

  constructor(session: AppSession, channelId: string, threadId?: string) {
    this.#session = session;
    this.channelId = channelId;
    this.threadId = threadId;
    this.#ends = [
      session.channels.onChange((change) => {
        if (change.channelId === channelId) this.#take(change);
      }),
      // What was said while the connection was away.
      session.connection.onOnline(() => void this.load()),
    ];
  }

  async load(): Promise<void> {
    const { api } = this.#session;
    try {
      this.channel = await api("GET", `/api/v1/channels/${this.channelId}`);
      await this.#catchUp();
      this.loadError = undefined;
      this.seen();
    } catch (thrown) {
      const isGone = thrown instanceof ClientError &&
        (thrown.code === "not_found" || thrown.code === "forbidden");
      // What was read stays to be read; the next connection catches up.
      if (isGone || this.posts === undefined) this.loadError = messageOf(thrown);
    }
    this.changed.touch();
  }

  /** Loads what was said since, and again what was loaded: a reader keeps what they look at. */
  async #catchUp(): Promise<void> {
    const before = (this.posts ?? []).filter(({ isPending }) => !isPending);
    const oldest = before[0];
    const found = new Map<string, Post>();
    let isComplete = false;
    for (let pages = 0; !isComplete && pages < MAX_PAGES; pages++) {
      const page = await this.#page(found.size);
      for (const post of page) found.set(post.id, post);
      this.hasMore = page.length === PAGE_SIZE;
      isComplete = !this.hasMore || !oldest ||
        page.some(({ id, created_at }) => id === oldest.id || created_at < oldest.created_at);
    }
    // What came by the socket meanwhile is newer than the pages.
    const since = (this.posts ?? []).filter((post) =>
      !found.has(post.id) && (post.isPending || !before.some(({ id }) => id === post.id))
    );
    // The server puts the beginning of a thread into it; the page shows it above.
    const now = [...found.values()].reverse().filter(({ id }) => id !== this.threadId);
    const missed = isComplete ? [] : before.filter(({ id }) => !found.has(id));
    const at = now.findIndex(({ id }) => id === oldest?.id);
    const from = at >= 0
      ? at
      : now.findIndex(({ created_at }) => created_at >= (oldest?.created_at ?? 0));
    this.hasMore ||= from > 0;
    this.posts = [...missed, ...now.slice(Math.max(0, from)), ...since];
  }

  /** Loads what was said before. */
  async loadOlder(): Promise<void> {
    const before = this.posts ?? [];
    const older = await this.#page(before.filter(({ isPending }) => !isPending).length);
    this.hasMore = older.length === PAGE_SIZE;
    const known = new Set(before.map(({ id }) => id));
    this.posts = [
      ...older.reverse().filter(({ id }) => !known.has(id) && id !== this.threadId),
      ...before,
    ];
    this.changed.touch();
  }

  /** Shows the text at once, and says it. Throws when it could not be said. */
  async post(content: string): Promise<void> {
    const { api, me, channels } = this.#session;
    const temp = newId();
    this.#saidHere.add(temp);
    channels.stoppedTyping(this.channelId, this.threadId);
    this.#put(pending(temp, content, me, this.channelId, this.threadId));
    try {
      const message = await api<ChannelMessage>("POST", this.#path("post"), {
        ...{ temp_id: temp, content },
        ...(this.threadId !== undefined && { parent_id: this.threadId }),
      });
      this.#drop(temp);
      this.#put({ ...message, user: message.user ?? me });
    } catch (thrown) {
      this.#drop(temp);
      throw thrown;
    }
  }

  async react(post: Post, name: string): Promise<void> {
    const { api, me } = this.#session;
    const isMine = post.reactions?.some((reaction) =>
      reaction.name === name && reaction.users.some(({ id }) => id === me.id)
    );
    const action = isMine ? "remove" : "add";
    await api("POST", this.#path(`${post.id}/reactions/${action}`), { name });
  }

  async remove(post: Post): Promise<void> {
    await this.#session.api("DELETE", this.#path(`${post.id}/delete`));
    this.#drop(post.id);
  }

  typing(): void {
    this.#session.channels.typing(this.channelId, this.threadId);
  }

  /** Everything here has been seen. */
  seen(): void {
    if (this.threadId || !isInFront("channel", this.channelId)) return;
    this.#session.channels.markRead(this.channelId);
    this.#session.channelList.seen(this.channelId);
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends) end();
  }

  #path(rest: string): string {
    return `/api/v1/channels/${this.channelId}/messages/${rest}`;
  }

  async #page(skip: number): Promise<Post[]> {
    const query = `?skip=${skip}&limit=${PAGE_SIZE}`;
    const rest = this.threadId ? `${this.threadId}/thread${query}` : query;
    return await this.#session.api("GET", this.#path(rest).replace("/?", "?"));
  }

  #take(change: ChannelChange): void {
    switch (change.type) {
      case "message": {
        const { message } = change;
        if ((message.parent_id ?? undefined) === this.threadId) this.#put(message);
        else if (!this.threadId) this.#replied(message);
        this.seen();
        break;
      }
      case "changed":
        if (this.posts?.some(({ id }) => id === change.message.id)) this.#put(change.message);
        break;
      case "deleted":
        this.#drop(change.messageId);
        break;
      case "updated":
        void this.load();
        break;
      case "typing":
        if (change.threadId === this.threadId) this.typists = change.users;
        break;
      default:
        return;
    }
    this.changed.touch();
  }

  /** A reply in a thread shows as a count at its beginning. */
  #replied({ parent_id, created_at, meta }: ChannelMessage): void {
    const parent = this.posts?.find(({ id }) => id === parent_id);
    if (!parent) return;
    const reply_count = parent.reply_count + 1;
    const question = { ...parent, reply_count, latest_reply_at: created_at };
    this.#put(question);
    const isAnswer = typeof meta?.model_id === "string" && meta.done === false;
    const { temp_id } = parent as { temp_id?: string };
    if (isAnswer && temp_id !== undefined && this.#saidHere.has(temp_id)) {
      this.onAnswered?.(question);
    }
  }

  #put(post: Post): void {
    const posts = this.posts ?? [];
    const at = posts.findIndex(({ id }) => id === post.id);
    if (at >= 0) this.posts = posts.with(at, { ...posts[at], ...post });
    else {
      // Its own message can come by the socket before the answer to its request.
      const temp = (post as { temp_id?: string }).temp_id;
      this.posts = [...posts.filter(({ id }) => id !== temp), post];
    }
    this.changed.touch();
  }

  #drop(id: string): void {
    this.posts = this.posts?.filter((post) => post.id !== id);
    this.changed.touch();
  }
}

function pending(
  id: string,
  content: string,
  user: PublicUser,
  channel_id: string,
  threadId: string | undefined,
): Post {
  const now = Math.floor(Date.now() / 1000);
  return {
    ...{ id, channel_id, content, user, user_id: user.id, isPending: true },
    ...{ reply_to_id: null, parent_id: threadId ?? null, reply_to_message: null },
    ...{ is_pinned: false, pinned_at: null, pinned_by: null, data: null, meta: null },
    ...{ created_at: now, updated_at: now, reactions: [], reply_count: 0, latest_reply_at: null },
  };
}
