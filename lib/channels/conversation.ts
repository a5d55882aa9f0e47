import { AppError } from "../common/errors.ts";
import type {
  Channel,
  ChannelEvent,
  ChannelMessage,
  MessageBody,
  StoredMessage,
} from "../protocol/channel.ts";
import type { PublicUser } from "../protocol/user.ts";
import type { ChannelMessages, MessagePaging } from "./channel_messages.ts";
import { publicly } from "./channel_service.ts";
import type { ChannelStore } from "./channel_store.ts";
import { type FindPublicUser, MessageViews } from "./message_views.ts";

export interface ConversationOptions {
  channels: ChannelStore;
  findUser: FindPublicUser;
  /** Sends to all who are in the channel's room, on every instance. */
  emit(event: ChannelEvent): void;
  emitToUser(userId: string, event: ChannelEvent): void;
}

/** Somebody has said something: models that it calls may answer. */
type Posted = (channel: Channel, message: ChannelMessage, user: PublicUser) => Promise<void>;

interface ViewPage {
  messages: ChannelMessage[];
  cursor: string | undefined;
}

/** What is said in channels, by whom and for whom; the room hears of every change. */
export class Conversation {
  readonly #options: ConversationOptions;
  readonly #channels: ChannelStore;
  readonly #messages: ChannelMessages;
  readonly #views: MessageViews;
  #posted: Posted = async () => {};

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#channels = options.channels;
    this.#messages = options.channels.messages;
    this.#views = new MessageViews(this.#messages, options.findUser);
  }

  /** Who answers what is posted from here on. */
  onPosted(posted: Posted): void {
    this.#posted = posted;
  }

  /** @throws {AppError} `not_found`, `forbidden`, `invalid_payload` */
  async post(user: PublicUser, channelId: string, body: MessageBody): Promise<ChannelMessage> {
    const channel = await this.#channels.enterToWrite(user, channelId);
    const message = await this.say(user, channel, { ...body, meta: ownMeta(body.meta) });
    await this.#posted(channel, message, user);
    return message;
  }

  /** Posts for somebody whose access has been checked; calls no models. */
  async say(user: PublicUser, channel: Channel, body: MessageBody): Promise<ChannelMessage> {
    const message = await this.#views.one(await this.#messages.post(channel.id, user.id, body));
    const { temp_id } = body;
    const data = temp_id ? { temp_id, ...message } : message;
    this.#tell(channel, user, message.id, { type: "message", data });
    await this.#tellThread(channel, user, message);
    return message;
  }

  /** Changes a message and tells, without asking who may: for a model that writes its answer. */
  async rewrite(
    channel: Channel,
    user: PublicUser,
    messageId: string,
    change: Pick<MessageBody, "content" | "data" | "meta">,
  ): Promise<void> {
    const message = await this.#messages.edit(channel.id, messageId, change);
    this.#tell(channel, user, messageId, {
      type: "message:update",
      data: await this.#views.one(message),
    });
  }

  /** Stores how far an answer has got, without telling. */
  async keep(channelId: string, messageId: string, content: string): Promise<void> {
    await this.#messages.edit(channelId, messageId, { content });
  }

  /** Ends an answer that nobody writes any more; one that has ended, or is gone, is left alone. */
  async interrupt(channelId: string, userId: string, messageId: string): Promise<void> {
    const [channel, user, [message]] = await Promise.all([
      this.#channels.find(channelId),
      this.#options.findUser(userId),
      this.#messages.getMany(channelId, [messageId]),
    ]);
    if (!channel || !message || message.meta?.done !== false) return;
    const author = user ?? { id: userId, name: "", role: "pending" };
    const meta = { done: true, interrupted: true };
    await this.rewrite(channel, author, messageId, { content: message.content, meta });
  }

  /** Changes what a message says, without asking who may, and without telling. */
  async change(
    channelId: string,
    messageId: string,
    change: (message: StoredMessage) => StoredMessage,
  ): Promise<void> {
    await this.#messages.change(channelId, messageId, change);
  }

  /** Tells the room what a message says: what is stored, or `content` that is not stored yet. */
  async show(
    channel: Channel,
    user: PublicUser,
    messageId: string,
    content?: string,
  ): Promise<void> {
    const [stored] = await this.#messages.getMany(channel.id, [messageId]);
    if (!stored) return;
    const message = await this.#views.one(content === undefined ? stored : { ...stored, content });
    this.#tell(channel, user, messageId, { type: "message:update", data: message });
  }

  async page(user: PublicUser, channelId: string, paging: MessagePaging): Promise<ViewPage> {
    const channel = await this.#channels.enter(user, channelId);
    return await this.#shown(channel, await this.#messages.page(channel.id, paging));
  }

  async pinned(user: PublicUser, channelId: string, paging: MessagePaging): Promise<ViewPage> {
    const channel = await this.#channels.enter(user, channelId);
    return await this.#shown(channel, await this.#messages.pinned(channel.id, paging));
  }

  /** A thread, the newest first; the message that began it stands at the end, if there is room. */
  async thread(
    user: PublicUser,
    channelId: string,
    messageId: string,
    paging: MessagePaging,
  ): Promise<ViewPage> {
    const channel = await this.#channels.enter(user, channelId);
    const first = await this.#messages.get(channel.id, messageId);
    const { messages, cursor } = await this.#messages.thread(channel.id, messageId, paging);
    if (cursor === undefined && messages.length < paging.limit) messages.push(first);
    return await this.#shown(channel, { messages, cursor });
  }

  async get(user: PublicUser, channelId: string, messageId: string): Promise<ChannelMessage> {
    const channel = await this.#channels.enter(user, channelId);
    return await this.#views.one(await this.#messages.get(channel.id, messageId));
  }

  /**
   * The channel, for somebody who may change the message.
   *
   * @throws {AppError} `not_found`; `forbidden` for who is neither its author nor an admin
   */
  async enterToEdit(user: PublicUser, channelId: string, messageId: string): Promise<Channel> {
    const channel = await this.#channels.enterToWrite(user, channelId);
    const { user_id } = await this.#messages.get(channel.id, messageId);
    if (user_id === user.id || user.role === "admin") return channel;
    throw new AppError("forbidden", "Only its author may change a message.");
  }

  /** @throws {AppError} `not_found`; `forbidden` for who is neither its author nor an admin */
  async edit(
    user: PublicUser,
    channelId: string,
    messageId: string,
    change: Pick<MessageBody, "content" | "data" | "meta">,
  ): Promise<ChannelMessage> {
    const channel = await this.enterToEdit(user, channelId, messageId);
    await this.#messages.requireRoom(user.id);
    const own = { ...change, meta: ownMeta(change.meta) };
    const message = await this.#views.one(await this.#messages.edit(channel.id, messageId, own));
    this.#tell(channel, user, message.id, { type: "message:update", data: message });
    return message;
  }

  /**
   * The channel and the message, for somebody who may delete it.
   *
   * @throws {AppError} `not_found`; `forbidden` for who neither wrote it nor manages the channel
   */
  async enterToDelete(
    user: PublicUser,
    channelId: string,
    messageId: string,
  ): Promise<{ channel: Channel; message: StoredMessage }> {
    const channel = await this.#channels.enterToWrite(user, channelId);
    const message = await this.#messages.get(channel.id, messageId);
    if (message.user_id !== user.id && !(await this.#channels.isManager(user, channel))) {
      throw new AppError("forbidden", "Only its author may delete or stop a message.");
    }
    return { channel, message };
  }

  /** @throws {AppError} as {@linkcode enterToDelete} */
  async delete(user: PublicUser, channelId: string, messageId: string): Promise<void> {
    const { channel, message } = await this.enterToDelete(user, channelId, messageId);
    const shown = await this.#views.one(message);
    await this.#messages.delete(message);
    this.#tell(channel, user, message.id, { type: "message:delete", data: shown });
    await this.#tellThread(channel, user, message);
  }

  async react(
    user: PublicUser,
    channelId: string,
    messageId: string,
    { name, isAdded }: { name: string; isAdded: boolean },
  ): Promise<void> {
    const channel = await this.#channels.enterToWrite(user, channelId);
    const reaction = { userId: user.id, name, isAdded };
    const message = await this.#messages.react(channel.id, messageId, reaction);
    const type = isAdded ? "message:reaction:add" : "message:reaction:remove";
    const data = { ...await this.#views.one(message), name };
    this.#tell(channel, user, message.id, { type, data });
  }

  async pin(
    user: PublicUser,
    channelId: string,
    messageId: string,
    isPinned: boolean,
  ): Promise<ChannelMessage> {
    const channel = await this.#channels.enterToWrite(user, channelId);
    const pin = { userId: user.id, isPinned };
    const message = await this.#views.one(await this.#messages.pin(channel.id, messageId, pin));
    this.#tell(channel, user, message.id, { type: "message:update", data: message });
    return message;
  }

  /** The user has read everything so far; their other sessions hear of it. */
  async markRead(user: PublicUser, channelId: string): Promise<void> {
    const channel = await this.#channels.enter(user, channelId);
    const last_read_at = await this.#messages.markRead(channel.id, user.id);
    this.#options.emitToUser(user.id, {
      channel_id: channel.id,
      message_id: null,
      data: { type: "last_read_at", data: { last_read_at } },
      user: publicly(user),
    });
  }

  async #shown(
    { id }: Channel,
    { messages, cursor }: { messages: StoredMessage[]; cursor: string | undefined },
  ): Promise<ViewPage> {
    return { messages: await this.#views.many(id, messages), cursor };
  }

  /** The message that began a thread shows how many replies there are. */
  async #tellThread(
    channel: Channel,
    user: PublicUser,
    { parent_id }: Pick<StoredMessage, "parent_id">,
  ): Promise<void> {
    if (parent_id === null) return;
    const [parent] = await this.#messages.getMany(channel.id, [parent_id]);
    if (!parent) return;
    this.#tell(channel, user, parent_id, {
      type: "message:reply",
      data: await this.#views.one(parent),
    });
  }

  #tell(channel: Channel, user: PublicUser, messageId: string, data: ChannelEvent["data"]) {
    this.#options.emit({
      channel_id: channel.id,
      message_id: messageId,
      data,
      user: publicly(user),
      channel,
    });
  }
}

/** What only the server says of a message: that a model wrote it, and how far it has got. */
const SERVERS_META = [
  ...["model_id", "model_name", "done", "interrupted", "stopped", "error"],
  ...["finish_reason", "refusal", "tool_calls"],
];

function ownMeta(meta: MessageBody["meta"]): MessageBody["meta"] {
  return meta &&
    Object.fromEntries(Object.entries(meta).filter(([name]) => !SERVERS_META.includes(name)));
}
