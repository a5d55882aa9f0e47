import type { ChannelMessage } from "../protocol/channel.ts";
import type { ChannelDetails } from "../protocol/http_routes.ts";
import type { PublicUser } from "../protocol/user.ts";
import { caughtUpPosts } from "./caught_up_posts.ts";
import type { ChannelChange, ChannelEventHandler } from "./channels.ts";
import { ChannelWriters, type Writer } from "./channel_writers.ts";
import type { CaughtUp } from "./comeback.ts";
import { isClientError, messageOf } from "./errors.ts";
import { attempt, Listeners } from "./listeners.ts";
import { newId } from "./new_id.ts";
import { pendingPost, type Post } from "./pending_post.ts";
import type { Readable } from "./store.ts";

export type { Post };

/** What is shown at once; more is loaded on the way up. */
const PAGE_SIZE = 50;
/** Pages that are loaded again at most after a reconnect. */
const MAX_PAGES = 40;

/** What there is of a channel, or of a thread of it: a new object after each change. */
export interface ChannelSnapshot {
  /** `undefined`: loading. */
  readonly channel: ChannelDetails | undefined;
  /** Of a thread: the message that began it; `undefined`: loading. */
  readonly root: Post | undefined;
  /** Oldest first; `undefined`: loading. */
  readonly posts: readonly Post[] | undefined;
  /** Whether there are older ones. */
  readonly hasMore: boolean;
  /** Who else is typing. */
  readonly typists: readonly PublicUser[];
  /** Models that are writing: in the channel and all its threads, or in this thread. */
  readonly writers: readonly Writer[];
  /** Why it could not be read, in words for a person. */
  readonly loadError: string | undefined;
  /** It is not there, any more or for this person. */
  readonly isGone: boolean;
}

/** Which channel, and what the page adds. */
export interface ChannelModelOptions {
  /** The channel's id. */
  channelId: string;
  /** The message whose thread this is. Default: the channel itself. */
  threadId?: string | undefined;
  /** A model begins to answer, in a thread, what was said here. */
  onAnswered?: ((question: Post) => void) | undefined;
}

/** A channel, or a thread of it: its messages and who is typing. */
export class ChannelModel implements Disposable, Readable<ChannelSnapshot> {
  /** Which channel it is. */
  readonly channelId: string;
  /** The message whose thread this is. */
  readonly threadId: string | undefined;
  readonly #channels: ChannelEventHandler;
  readonly #onAnswered: ((question: Post) => void) | undefined;
  readonly #listeners = new Listeners<void>();
  /** What was said on this page, by the names that it gave. */
  readonly #saidHere = new Set<string>();
  readonly #ends: (() => void)[];
  readonly #writers = new ChannelWriters();
  #channel: ChannelDetails | undefined;
  #root: Post | undefined;
  #posts: readonly Post[] | undefined;
  /** What comes before the first reading is kept for it: alone it would pass for all there is. */
  #isRead = false;
  #hasMore = false;
  #typists: readonly PublicUser[] = [];
  #loadError: string | undefined;
  #isGone = false;
  #loading: Promise<void> | undefined;
  #snapshot: ChannelSnapshot | undefined;

  readonly #at = (messageId: string) => ({ id: this.channelId, message_id: messageId });

  /** Nothing is read before `load`, or the next connection. */
  constructor(
    channels: ChannelEventHandler,
    { channelId, threadId, onAnswered }: ChannelModelOptions,
  ) {
    this.#channels = channels;
    this.channelId = channelId;
    this.threadId = threadId;
    this.#onAnswered = onAnswered;
    this.#ends = [
      channels.onChange((change) => {
        if (change.channelId === channelId) this.#take(change);
      }),
      // What was said while the connection was away.
      channels.connection.onOnline(() => this.load()),
    ];
  }

  /** What there is now: the same object until something changes. */
  get snapshot(): ChannelSnapshot {
    return this.#snapshot ??= {
      ...{ channel: this.#channel, root: this.#root, hasMore: this.#hasMore },
      ...{ posts: this.#isRead ? this.#posts : undefined, typists: this.#typists },
      ...{ writers: this.#writers.list, loadError: this.#loadError, isGone: this.#isGone },
    };
  }

  /** Hears each change. Returns the end. */
  readonly subscribe = (listener: () => void): () => void => this.#listeners.add(listener);

  #touch(): void {
    this.#snapshot = undefined;
    this.#listeners.tell();
  }

  /** Reads it anew, and says how that went; what was read before stays where it is. Never rejects. */
  async load(): Promise<CaughtUp> {
    let caughtUp: CaughtUp = "failed";
    try {
      const params = { id: this.channelId };
      this.#channel = await this.#api("GET /api/v1/channels/{id}", { params });
      if (this.threadId !== undefined) {
        this.#root = await this.#api("GET /api/v1/channels/{id}/messages/{message_id}", {
          params: { ...params, message_id: this.threadId },
        });
      }
      caughtUp = await this.#catchUp();
      this.#isRead = true;
      this.#loadError = undefined;
      this.#isGone = false;
    } catch (thrown) {
      this.#isGone = isClientError(thrown, "not_found", "forbidden");
      // What was read stays to be read; the next connection catches up.
      if (this.#isGone || !this.#isRead) this.#loadError = messageOf(thrown);
    }
    this.#touch();
    return this.#isGone ? "anew" : caughtUp;
  }

  /** Loads what was said since, and again what was loaded: a reader keeps what they look at. */
  async #catchUp(): Promise<CaughtUp> {
    const before = this.#isRead ? this.#posts?.filter(({ isPending }) => !isPending) ?? [] : [];
    const oldest = before[0];
    const found = new Map<string, Post>();
    let isComplete = false;
    for (let pages = 0; !isComplete && pages < MAX_PAGES; pages++) {
      const page = await this.#page(found.size);
      for (const post of page) found.set(post.id, post);
      this.#hasMore = page.length === PAGE_SIZE;
      isComplete = !this.#hasMore || !oldest ||
        page.some(({ id, created_at }) => id === oldest.id || created_at < oldest.created_at);
    }
    const now = this.#posts ?? [];
    const read = caughtUpPosts({ before, found, isComplete, now }, this.threadId);
    this.#hasMore ||= read.hasOlder;
    this.#posts = read.posts;
    this.#writers.clear();
    for (const post of this.#posts) this.#writers.heard(post);
    return isComplete ? "whole" : "anew";
  }

  /** Loads what was said before; once, however often it is asked for meanwhile. */
  loadOlder(): Promise<void> {
    return this.#loading ??= this.#loadOlder().finally(() => this.#loading = undefined);
  }

  async #loadOlder(): Promise<void> {
    const before = this.#posts ?? [];
    const older = await this.#page(before.filter(({ isPending }) => !isPending).length);
    this.#hasMore = older.length === PAGE_SIZE;
    const known = new Set(before.map(({ id }) => id));
    this.#posts = [
      ...older.reverse().filter(({ id }) => !known.has(id) && id !== this.threadId),
      ...before,
    ];
    this.#touch();
  }

  /** Shows the text at once, and says it. Throws when it could not be said. */
  async post(content: string): Promise<void> {
    const { user = null } = this.#channels.connection;
    const me = user && { ...user, role: "user" as const };
    const temp = newId();
    this.#saidHere.add(temp);
    this.#channels.stoppedTyping(this.channelId, this.threadId);
    this.#put(
      pendingPost({
        id: temp,
        content,
        user: me,
        channelId: this.channelId,
        threadId: this.threadId,
      }),
    );
    try {
      const message = await this.#api("POST /api/v1/channels/{id}/messages/post", {
        params: { id: this.channelId },
        body: {
          ...{ temp_id: temp, content },
          ...(this.threadId !== undefined && { parent_id: this.threadId }),
        },
      });
      this.#drop(temp);
      this.#put({ ...message, user: message.user ?? me });
    } catch (thrown) {
      this.#drop(temp);
      throw thrown;
    }
  }

  /** Gives a reaction, or takes it back. */
  async react(post: Post, name: string): Promise<void> {
    const me = this.#channels.userId;
    const isMine = post.reactions?.some((reaction) =>
      reaction.name === name && reaction.users.some(({ id }) => id === me)
    );
    const action = isMine ? "remove" : "add";
    const route = `POST /api/v1/channels/{id}/messages/{message_id}/reactions/${action}` as const;
    await this.#api(route, { params: this.#at(post.id), body: { name } });
  }

  /** Changes what a message says. */
  async edit(post: Post, content: string): Promise<void> {
    const route = "POST /api/v1/channels/{id}/messages/{message_id}/update";
    this.#changed(await this.#api(route, { params: this.#at(post.id), body: { content } }));
  }

  /** Puts a message among the pinned ones, or takes it out. */
  async pin(post: Post, isPinned: boolean): Promise<void> {
    const route = "POST /api/v1/channels/{id}/messages/{message_id}/pin";
    this.#changed(
      await this.#api(route, { params: this.#at(post.id), body: { is_pinned: isPinned } }),
    );
  }

  /** Stops the model that writes a message; what there is of it stays. */
  async stop(messageId: string): Promise<void> {
    await this.#api("POST /api/v1/channels/{id}/messages/{message_id}/stop", {
      params: this.#at(messageId),
    });
  }

  /** Deletes a message. */
  async remove(post: Post): Promise<void> {
    await this.#api("DELETE /api/v1/channels/{id}/messages/{message_id}/delete", {
      params: this.#at(post.id),
    });
    this.#drop(post.id);
  }

  /** Says that one is typing; call it at each key. */
  typing(): void {
    this.#channels.typing(this.channelId, this.threadId);
  }

  /** Hears nothing of the channel any more. */
  [Symbol.dispose](): void {
    for (const end of this.#ends) end();
  }

  /** The same as disposing of it. */
  close(): void {
    this[Symbol.dispose]();
  }

  get #api() {
    return this.#channels.connection.api;
  }

  #page(skip: number): Promise<Post[]> {
    const id = this.channelId;
    const query = { skip, limit: PAGE_SIZE };
    return this.threadId === undefined
      ? this.#api("GET /api/v1/channels/{id}/messages/", { params: { id }, query })
      : this.#api("GET /api/v1/channels/{id}/messages/{message_id}/thread", {
        params: { id, message_id: this.threadId },
        query,
      });
  }

  #take(change: ChannelChange): void {
    switch (change.type) {
      case "message": {
        const { message } = change;
        this.#wrote(message);
        if ((message.parent_id ?? undefined) === this.threadId) this.#put(message);
        else if (!this.threadId) this.#replied(message);
        break;
      }
      case "changed":
        this.#wrote(change.message);
        this.#changed(change.message);
        break;
      case "deleted":
        this.#writers.forget(change.messageId);
        this.#isGone ||= change.messageId === this.threadId;
        this.#drop(change.messageId);
        break;
      case "updated":
        void this.load();
        break;
      case "typing":
        if (change.threadId === this.threadId) this.#typists = change.users;
        break;
      default:
        return;
    }
    this.#touch();
  }

  /** A reply in a thread shows as a count at its beginning. */
  #replied({ parent_id, created_at, meta }: ChannelMessage): void {
    const parent = this.#posts?.find(({ id }) => id === parent_id);
    if (!parent) return;
    const reply_count = parent.reply_count + 1;
    const question = { ...parent, reply_count, latest_reply_at: created_at };
    this.#put(question);
    const isAnswer = typeof meta?.model_id === "string" && meta.done === false;
    const { temp_id } = parent as { temp_id?: string };
    if (isAnswer && temp_id !== undefined && this.#saidHere.has(temp_id)) {
      attempt(() => this.#onAnswered?.(question));
    }
  }

  #wrote(message: ChannelMessage): void {
    if (this.threadId === undefined || message.parent_id === this.threadId) {
      this.#writers.heard(message);
    }
  }

  #changed(message: ChannelMessage): void {
    if (message.id === this.threadId) this.#root = message;
    else if (this.#posts?.some(({ id }) => id === message.id)) this.#put(message);
    this.#touch();
  }

  #put(post: Post): void {
    const posts = this.#posts ?? [];
    const at = posts.findIndex(({ id }) => id === post.id);
    if (at >= 0) this.#posts = posts.with(at, { ...posts[at], ...post });
    else {
      // Its own message can come by the socket before the answer to its request.
      const temp = (post as { temp_id?: string }).temp_id;
      this.#posts = [...posts.filter(({ id }) => id !== temp), post];
    }
    this.#touch();
  }

  #drop(id: string): void {
    this.#posts = this.#posts?.filter((post) => post.id !== id);
    this.#touch();
  }
}
