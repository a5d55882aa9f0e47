/** Every route of the HTTP API (docs/protocol.md, section 11): what it takes, and what it answers. */
import type { AccessGrant, NamedPrincipal } from "./access_grants.ts";
import type {
  Channel,
  ChannelBody,
  ChannelMember,
  ChannelMessage,
  ChannelPatch,
  ChannelRole,
  MessageBody,
} from "./channel.ts";
import type { Chat, ChatBody, ListedChat, PostedMessage } from "./chat.ts";
import type { Group, GroupBody, GroupPatch } from "./group.ts";
import type { ModelList } from "./model_list.ts";
import type { Note, NoteBody, NoteContent, NotePatch, NoteSummary, NoteVersion } from "./note.ts";
import type { PublicConfig } from "./public_config.ts";
import type { SystemStatus } from "./system_status.ts";
import type { PublicUser, Role, User } from "./user.ts";

/** Who is signed in, with the token that says so. */
export interface SignedIn {
  /** What every other route wants as `Authorization: Bearer`, and `connect` as `token`. */
  token: string;
  /** How the token is used. */
  token_type: "Bearer";
  /** Unix seconds; `null`: it has no end. */
  expires_at: number | null;
  /** The user's id. */
  id: string;
  /** The address that one signs in with. */
  email: string;
  /** The name that others see. */
  name: string;
  /** What the user may do here. */
  role: Role;
  /** The user's picture: an address, or a data URL. */
  profile_image_url: string;
  /** What Open WebUI's own client shows. */
  permissions: Record<string, unknown>;
}

/** A channel with what it is to the one who asks. */
export interface ChannelDetails extends Channel {
  /** Whether who asks may change the channel and who is in it. */
  is_manager: boolean;
  /** Whether who asks may say something. */
  write_access: boolean;
  /** Who can read it, where they can be counted. */
  user_count: number | null;
  /** Of direct channels: who is in them. */
  users?: PublicUser[] | null;
  /** The same people, by their ids. */
  user_ids?: string[] | null;
  /** When who asks last read it, in unix seconds. */
  last_read_at: number | null;
  /** The `position` up to which they have read; what stands behind it is unread. `null`: all is. */
  last_read_position: number | null;
  /** The `position` of the last message: `unread_count` counts up to it. `null`: there is none. */
  last_position: number | null;
  /** How many messages have come since. */
  unread_count: number;
}

/** A channel as lists show it. */
export type ListedChannel = Omit<ChannelDetails, "is_manager" | "write_access" | "user_count">;

/** A note with what it is to the one who asks. */
export interface OpenNote extends Note {
  /** Whether who asks may edit it. */
  write_access?: boolean;
}

/** What was asked to stop, and whether there was anything. */
export interface Stopped {
  /** Whether it was stopped. */
  status: boolean;
  /** The same in words. */
  message: string;
}

/** The body that asks a model; what else it has reaches the provider. */
export interface CompletionBody {
  /** The model's id. */
  model: string;
  /** May be left out where `user_message` stands. */
  messages?: { role: string; content?: unknown; [field: string]: unknown }[];
  /** In a chat an answer always streams. */
  stream?: boolean;
  /** The chat that the answer is in. Without one, the answer is the provider's own. */
  chat_id?: string;
  /** The message that the answer fills; the client names it. */
  id?: string;
  /** `null` without a `chat_id` begins a chat. */
  parent_id?: string | null;
  /** The question; the server puts it into the chat. */
  user_message?: Omit<PostedMessage, "childrenIds">;
  /** Asks several models at once, 16 at most, each for a message of its own. */
  message_ids?: { model_id: string; message_id?: string }[];
  /** The session whose browser runs the model, where it is the browser's own. */
  session_id?: string;
  /** Goes on with the answer of `id`, where it was cut. */
  continue?: boolean;
  /** With `direct`: the browser of `session_id` runs the model. */
  model_item?: { id?: string; direct?: boolean; [field: string]: unknown };
  /** What else the model is told, such as `temperature`. */
  params?: Record<string, unknown>;
  /** What providers know reaches them. */
  [parameter: string]: unknown;
}

/** What a part of a list is asked for by. */
export interface PageQuery {
  /** The number of the page, from 1. */
  page?: number;
  /** Where the page before ended, as its header `X-Next-Cursor` says; instead of `page`. */
  cursor?: string;
}

/** What messages of a channel are asked for by. */
export interface MessagesQuery {
  /** How many of the newest are left out. Default: 0. */
  skip?: number;
  /** How many are answered at most. Default: 50. */
  limit?: number;
  /** Where the part before ended, as its header `X-Next-Cursor` says; instead of `skip`. */
  cursor?: string;
}

/** A member of a channel, with what others are told of them; the role is the one in the channel. */
export type MemberOfChannel = ChannelMember & Omit<PublicUser, "role">;

/** By method and path: `body`, `query` and `answer` of each route. */
export interface HttpRoutes {
  /** For anybody: what may be offered before one signs in. */
  "GET /api/config": { answer: PublicConfig };
  /** Makes an account and signs in; the first of a server is its admin. */
  "POST /api/v1/auths/signup": {
    body: { name: string; email: string; password: string };
    answer: SignedIn;
  };
  /** Signs in. */
  "POST /api/v1/auths/signin": { body: { email: string; password: string }; answer: SignedIn };
  /** Who the token is of. */
  "GET /api/v1/auths/": { answer: SignedIn };
  /** Ends this token, and the sockets that came with it. */
  "POST /api/v1/auths/signout": { answer: { status: true } };
  /** Ends all tokens of the user. */
  "POST /api/v1/auths/signout/everywhere": { answer: { status: true } };
  /** Changes the password; all tokens end, and the answer has a new one. */
  "POST /api/v1/auths/update/password": {
    body: { password: string; new_password: string };
    answer: SignedIn;
  };
  /** One's own name and picture. */
  "POST /api/v1/auths/update/profile": {
    body: { name: string; profile_image_url?: string };
    answer: Omit<SignedIn, "token" | "token_type" | "expires_at">;
  };
  /** For admins: the users, a page at a time. */
  "GET /api/v1/users/": {
    query: PageQuery & { direction?: "asc" | "desc" };
    answer: { users: User[]; cursor: string | null };
  };
  /** The 30 people nearest to the text by name, without addresses; whoever may enter may ask. */
  "GET /api/v1/users/search": { query: { query?: string }; answer: { users: PublicUser[] } };
  /** For admins: changes a user. A new role or password ends their sessions. */
  "POST /api/v1/users/{id}/update": {
    body: Partial<Pick<User, "name" | "role" | "email" | "profile_image_url">> & {
      password?: string;
    };
    answer: User;
  };
  /** For admins: deletes a user. */
  "DELETE /api/v1/users/{id}": { answer: true };
  /** For admins: what runs on all instances. */
  "GET /api/v1/live": { answer: SystemStatus };
  /** The models that can be asked. */
  "GET /api/models": { answer: ModelList };
  /** The models and users that are active right now. */
  "GET /api/usage": { answer: { model_ids: string[]; user_ids: string[] } };
  /** Asks a model; the answer comes as events of the chat. */
  "POST /api/chat/completions": {
    body: CompletionBody;
    answer: { status: true; task_ids: string[]; chat_id: string };
  };
  /** The ids of one's own tasks; an admin's: all. */
  "GET /api/tasks/": { answer: { tasks: string[] } };
  /** The tasks of a chat: its answers under way. */
  "GET /api/tasks/chat/{chat_id}": { answer: { task_ids: string[] } };
  /** Stops a task, on whichever instance it runs. */
  "POST /api/tasks/stop/{id}": { answer: Stopped };
  /** Stops a chat's answers, or those of the named messages, even before they have begun. */
  "POST /api/tasks/chat/{chat_id}/stop": {
    body: { message_ids?: readonly string[] };
    answer: Stopped;
  };
  /** Makes a chat. */
  "POST /api/v1/chats/new": { body: { chat: ChatBody }; answer: Chat };
  /** One's chats, the last changed first, a page at a time. */
  "GET /api/v1/chats/": { query: PageQuery; answer: ListedChat[] };
  /** One's chats that say all words of the text, the last changed first. */
  "GET /api/v1/chats/search": { query: PageQuery & { text: string }; answer: ListedChat[] };
  /** One's pinned chats, the last pinned first. */
  "GET /api/v1/chats/pinned": { answer: ListedChat[] };
  /** A chat with all of its messages. */
  "GET /api/v1/chats/{id}": { answer: Chat };
  /** Merges what is sent into the chat. */
  "POST /api/v1/chats/{id}": { body: { chat: ChatBody }; answer: Chat };
  /** Deletes a chat; what is being answered in it is stopped. `undo`: it can be restored, in seconds. */
  "DELETE /api/v1/chats/{id}": { query: { undo?: number }; answer: true };
  /** Brings back a chat that was deleted with `undo`. */
  "POST /api/v1/chats/{id}/restore": { answer: true };
  /** Whether the chat is pinned. */
  "GET /api/v1/chats/{id}/pinned": { answer: boolean };
  /** Pins the chat, or takes the pin away; without a body the other of what it is. */
  "POST /api/v1/chats/{id}/pin": { body: { pinned?: boolean }; answer: ListedChat };
  /** Sends an event to all who see the chat, and keeps what belongs to the message. */
  "POST /api/v1/chats/{chat_id}/messages/{message_id}/event": {
    body: { type: string; data?: unknown };
    answer: true;
  };
  /**
   * One's notes and those that one may read, a page at a time, of their text only the beginning.
   */
  "GET /api/v1/notes/": { query: PageQuery; answer: (NoteSummary & { user: PublicUser | null })[] };
  /** Makes a note. */
  "POST /api/v1/notes/create": { body: NoteBody; answer: Note };
  /** A note with its text. */
  "GET /api/v1/notes/{id}": { answer: OpenNote };
  /** Changes a note; a text is merged with what its editors type. */
  "POST /api/v1/notes/{id}/update": { body: NotePatch; answer: Note };
  /** Says who may read and write a note. */
  "POST /api/v1/notes/{id}/access/update": { body: { access_grants: AccessGrant[] }; answer: Note };
  /** For its owner and admins: the names of the note's owner and of those it is shared with. */
  "GET /api/v1/notes/{id}/access": { answer: { principals: NamedPrincipal[] } };
  /** The earlier texts of a note that are kept, the newest first; 40 at most. */
  "GET /api/v1/notes/{id}/versions": { answer: NoteVersion[] };
  /** An earlier text of a note. */
  "GET /api/v1/notes/{id}/versions/{version_id}": {
    answer: NoteVersion & { content: NoteContent };
  };
  /** Makes an earlier text the note's own, as an edit that its editors see; the text of now is kept. */
  "POST /api/v1/notes/{id}/versions/{version_id}/restore": { answer: Note };
  /** Deletes a note; its editors are told. */
  "DELETE /api/v1/notes/{id}/delete": { answer: true };
  /** One's groups; an admin's: all. A page at a time. */
  "GET /api/v1/groups/": { query: PageQuery; answer: Group[] };
  /** For admins: makes a group. */
  "POST /api/v1/groups/create": {
    body: Partial<GroupBody> & Pick<GroupBody, "name">;
    answer: Group;
  };
  /** For admins: a group. */
  "GET /api/v1/groups/id/{id}": { answer: Group };
  /** For admins: the people of a group, a page at a time. */
  "POST /api/v1/groups/id/{id}/users": { query: PageQuery; answer: PublicUser[] };
  /** For admins: changes a group. */
  "POST /api/v1/groups/id/{id}/update": { body: GroupPatch; answer: Group };
  /** For admins: puts people into a group. */
  "POST /api/v1/groups/id/{id}/users/add": { body: { user_ids: string[] }; answer: Group };
  /** For admins: takes people out of a group, and out of what was open to it. */
  "POST /api/v1/groups/id/{id}/users/remove": { body: { user_ids: string[] }; answer: Group };
  /** For admins: deletes a group. */
  "DELETE /api/v1/groups/id/{id}/delete": { answer: true };
  /** The channels that one may read, with their unread counts, a page at a time. */
  "GET /api/v1/channels/": { query: PageQuery; answer: ListedChannel[] };
  /** The same under Open WebUI's other name. */
  "GET /api/v1/channels/list": { query: PageQuery; answer: ListedChannel[] };
  /** Makes a channel. */
  "POST /api/v1/channels/create": { body: Partial<ChannelBody>; answer: Channel };
  /** The direct channel with a user, made where there is none. */
  "GET /api/v1/channels/users/{user_id}": { answer: Channel };
  /** A channel, with what it is to the one who asks. */
  "GET /api/v1/channels/{id}": { answer: ChannelDetails };
  /** Changes a channel. */
  "POST /api/v1/channels/{id}": { body: ChannelPatch; answer: Channel };
  /** The same under Open WebUI's other name. */
  "POST /api/v1/channels/{id}/update": { body: ChannelPatch; answer: Channel };
  /** Says who may read and write in a channel. */
  "POST /api/v1/channels/{id}/access/update": { body: ChannelPatch; answer: Channel };
  /** Deletes a channel with its messages. */
  "DELETE /api/v1/channels/{id}/delete": { answer: true };
  /** Who is in a channel, a page at a time. */
  "GET /api/v1/channels/{id}/members": {
    query: PageQuery;
    answer: { users: MemberOfChannel[]; total: number };
  };
  /** Lets people into a channel. */
  "POST /api/v1/channels/{id}/update/members/add": {
    body: { user_ids?: string[]; group_ids?: string[]; role?: ChannelRole };
    answer: ChannelMember[];
  };
  /** Takes people out of a channel; the answer says how many. */
  "POST /api/v1/channels/{id}/update/members/remove": {
    body: { user_ids: string[] };
    answer: number;
  };
  /** The messages of a channel, the newest first. */
  "GET /api/v1/channels/{id}/messages/": { query: MessagesQuery; answer: ChannelMessage[] };
  /** Those that are pinned. */
  "GET /api/v1/channels/{id}/messages/pinned": { query: PageQuery; answer: ChannelMessage[] };
  /** Says something in a channel, or in a thread of it. */
  "POST /api/v1/channels/{id}/messages/post": { body: MessageBody; answer: ChannelMessage };
  /** Notes that the channel was read up to now. */
  "POST /api/v1/channels/{id}/messages/read": { answer: true };
  /** One message. */
  "GET /api/v1/channels/{id}/messages/{message_id}": { answer: ChannelMessage };
  /** The data that clients keep with a message. */
  "GET /api/v1/channels/{id}/messages/{message_id}/data": {
    answer: Record<string, unknown> | null;
  };
  /** The replies to a message, the newest first. */
  "GET /api/v1/channels/{id}/messages/{message_id}/thread": {
    query: MessagesQuery;
    answer: ChannelMessage[];
  };
  /** Changes a message. */
  "POST /api/v1/channels/{id}/messages/{message_id}/update": {
    body: MessageBody;
    answer: ChannelMessage;
  };
  /** Pins a message, or takes the pin off. */
  "POST /api/v1/channels/{id}/messages/{message_id}/pin": {
    body: { is_pinned: boolean };
    answer: ChannelMessage;
  };
  /** Stops the model that writes the message; says whether it was writing. For who may delete it. */
  "POST /api/v1/channels/{id}/messages/{message_id}/stop": { answer: boolean };
  /** Gives a reaction. */
  "POST /api/v1/channels/{id}/messages/{message_id}/reactions/add": {
    body: { name: string };
    answer: true;
  };
  /** Takes one's reaction back. */
  "POST /api/v1/channels/{id}/messages/{message_id}/reactions/remove": {
    body: { name: string };
    answer: true;
  };
  /** Deletes a message. */
  "DELETE /api/v1/channels/{id}/messages/{message_id}/delete": { answer: true };
  /** For anybody: the process lives. */
  "GET /health": { answer: { status: true } };
  /** For anybody: whether the instance may take traffic, and what fails. 503 where it may not. */
  "GET /ready": { answer: { status: boolean; failed: string[] } };
}

/** A method with its path. */
export type RouteName = keyof HttpRoutes;
/** What a route answers. */
export type RouteAnswer<R extends RouteName> = HttpRoutes[R]["answer"];
