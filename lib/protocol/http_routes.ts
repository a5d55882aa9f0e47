/** Every route of the HTTP API (docs/protocol.md, section 11): what it takes, and what it answers. */
import type { AccessGrant } from "./access_grants.ts";
import type {
  Channel,
  ChannelBody,
  ChannelMember,
  ChannelMessage,
  ChannelPatch,
  ChannelRole,
  MessageBody,
} from "./channel.ts";
import type { Chat, ChatBody, ChatSummary, PostedMessage } from "./chat.ts";
import type { Group, GroupBody, GroupPatch } from "./group.ts";
import type { ModelList } from "./model_list.ts";
import type { Note, NoteBody, NotePatch, NoteSummary } from "./note.ts";
import type { PublicConfig } from "./public_config.ts";
import type { SystemStatus } from "./system_status.ts";
import type { PublicUser, Role, User } from "./user.ts";

/** Who is signed in, with the token that says so. */
export interface SignedIn {
  token: string;
  token_type: "Bearer";
  /** Unix seconds; `null`: it has no end. */
  expires_at: number | null;
  id: string;
  email: string;
  name: string;
  role: Role;
  profile_image_url: string;
  /** What Open WebUI's own client shows. */
  permissions: Record<string, unknown>;
}

/** A channel with what it is to the one who asks. */
export interface ChannelDetails extends Channel {
  is_manager: boolean;
  write_access: boolean;
  /** Who can read it, where they can be counted. */
  user_count: number | null;
  /** Of direct channels: who is in them. */
  users?: PublicUser[] | null;
  user_ids?: string[] | null;
  last_read_at: number | null;
  unread_count: number;
}

/** A channel as lists show it. */
export type ListedChannel =
  & Channel
  & Pick<ChannelDetails, "users" | "user_ids" | "last_read_at" | "unread_count">;

/** A note with what it is to the one who asks. */
export interface OpenNote extends Note {
  write_access?: boolean;
}

/** What was asked to stop, and whether there was anything. */
export interface Stopped {
  status: boolean;
  message: string;
}

/** The body that asks a model; what else it has reaches the provider. */
export interface CompletionBody {
  model: string;
  /** May be left out where `user_message` stands. */
  messages?: { role: string; content?: unknown; [field: string]: unknown }[];
  /** In a chat an answer always streams. */
  stream?: boolean;
  chat_id?: string;
  /** The message that the answer fills; the client names it. */
  id?: string;
  /** `null` without a `chat_id` begins a chat. */
  parent_id?: string | null;
  user_message?: Omit<PostedMessage, "childrenIds">;
  message_ids?: { model_id: string; message_id?: string }[];
  session_id?: string;
  continue?: boolean;
  model_item?: { id?: string; direct?: boolean; [field: string]: unknown };
  params?: Record<string, unknown>;
  [parameter: string]: unknown;
}

/** What a part of a list is asked for by. */
export interface PageQuery {
  page?: number;
  cursor?: string;
}

/** What messages of a channel are asked for by. */
export interface MessagesQuery {
  skip?: number;
  limit?: number;
  cursor?: string;
}

/** A member of a channel, with what others are told of them. */
export type MemberOfChannel = Omit<ChannelMember, "user"> & PublicUser;

/** By method and path: `body`, `query` and `answer` of each route. */
export interface HttpRoutes {
  "GET /api/config": { answer: PublicConfig };
  "POST /api/v1/auths/signup": {
    body: { name: string; email: string; password: string };
    answer: SignedIn;
  };
  "POST /api/v1/auths/signin": { body: { email: string; password: string }; answer: SignedIn };
  "GET /api/v1/auths/": { answer: SignedIn };
  "POST /api/v1/auths/signout": { answer: { status: true } };
  "POST /api/v1/auths/signout/everywhere": { answer: { status: true } };
  "POST /api/v1/auths/update/password": {
    body: { password: string; new_password: string };
    answer: SignedIn;
  };
  "GET /api/v1/users/": {
    query: PageQuery;
    answer: { users: User[]; cursor: string | null };
  };
  "POST /api/v1/users/{id}/update": {
    body: Partial<Pick<User, "name" | "role" | "email" | "profile_image_url">> & {
      password?: string;
    };
    answer: User;
  };
  "DELETE /api/v1/users/{id}": { answer: true };
  "GET /api/v1/live": { answer: SystemStatus };
  "GET /api/models": { answer: ModelList };
  "GET /api/usage": { answer: { model_ids: string[]; user_ids: string[] } };
  "POST /api/chat/completions": {
    body: CompletionBody;
    answer: { status: true; task_ids: string[]; chat_id: string };
  };
  "GET /api/tasks/": { answer: { tasks: string[] } };
  "GET /api/tasks/chat/{chat_id}": { answer: { task_ids: string[] } };
  "POST /api/tasks/stop/{id}": { answer: Stopped };
  "POST /api/tasks/chat/{chat_id}/stop": {
    body: { message_ids?: readonly string[] };
    answer: Stopped;
  };
  "POST /api/v1/chats/new": { body: { chat: ChatBody }; answer: Chat };
  "GET /api/v1/chats/": { query: PageQuery; answer: ChatSummary[] };
  "GET /api/v1/chats/{id}": { answer: Chat };
  "POST /api/v1/chats/{id}": { body: { chat: ChatBody }; answer: Chat };
  "DELETE /api/v1/chats/{id}": { answer: true };
  "POST /api/v1/chats/{chat_id}/messages/{message_id}/event": {
    body: { type: string; data?: unknown };
    answer: true;
  };
  "GET /api/v1/notes/": { query: PageQuery; answer: (NoteSummary & { user: PublicUser | null })[] };
  "POST /api/v1/notes/create": { body: NoteBody; answer: Note };
  "GET /api/v1/notes/{id}": { answer: OpenNote };
  "POST /api/v1/notes/{id}/update": { body: NotePatch; answer: Note };
  "POST /api/v1/notes/{id}/access/update": { body: { access_grants: AccessGrant[] }; answer: Note };
  "DELETE /api/v1/notes/{id}/delete": { answer: true };
  "GET /api/v1/groups/": { query: PageQuery; answer: Group[] };
  "POST /api/v1/groups/create": {
    body: Partial<GroupBody> & Pick<GroupBody, "name">;
    answer: Group;
  };
  "GET /api/v1/groups/id/{id}": { answer: Group };
  "POST /api/v1/groups/id/{id}/users": { query: PageQuery; answer: PublicUser[] };
  "POST /api/v1/groups/id/{id}/update": { body: GroupPatch; answer: Group };
  "POST /api/v1/groups/id/{id}/users/add": { body: { user_ids: string[] }; answer: Group };
  "POST /api/v1/groups/id/{id}/users/remove": { body: { user_ids: string[] }; answer: Group };
  "DELETE /api/v1/groups/id/{id}/delete": { answer: true };
  "GET /api/v1/channels/": { query: PageQuery; answer: ListedChannel[] };
  "GET /api/v1/channels/list": { query: PageQuery; answer: ListedChannel[] };
  "POST /api/v1/channels/create": { body: Partial<ChannelBody>; answer: Channel };
  "GET /api/v1/channels/users/{user_id}": { answer: Channel };
  "GET /api/v1/channels/{id}": { answer: ChannelDetails };
  "POST /api/v1/channels/{id}": { body: ChannelPatch; answer: Channel };
  "POST /api/v1/channels/{id}/update": { body: ChannelPatch; answer: Channel };
  "POST /api/v1/channels/{id}/access/update": { body: ChannelPatch; answer: Channel };
  "DELETE /api/v1/channels/{id}/delete": { answer: true };
  "GET /api/v1/channels/{id}/members": {
    query: PageQuery;
    answer: { users: MemberOfChannel[]; total: number };
  };
  "POST /api/v1/channels/{id}/update/members/add": {
    body: { user_ids?: string[]; group_ids?: string[]; role?: ChannelRole };
    answer: ChannelMember[];
  };
  "POST /api/v1/channels/{id}/update/members/remove": {
    body: { user_ids: string[] };
    answer: number;
  };
  "GET /api/v1/channels/{id}/messages/": { query: MessagesQuery; answer: ChannelMessage[] };
  "GET /api/v1/channels/{id}/messages/pinned": { query: PageQuery; answer: ChannelMessage[] };
  "POST /api/v1/channels/{id}/messages/post": { body: MessageBody; answer: ChannelMessage };
  "POST /api/v1/channels/{id}/messages/read": { answer: true };
  "GET /api/v1/channels/{id}/messages/{message_id}": { answer: ChannelMessage };
  "GET /api/v1/channels/{id}/messages/{message_id}/data": {
    answer: Record<string, unknown> | null;
  };
  "GET /api/v1/channels/{id}/messages/{message_id}/thread": {
    query: MessagesQuery;
    answer: ChannelMessage[];
  };
  "POST /api/v1/channels/{id}/messages/{message_id}/update": {
    body: MessageBody;
    answer: ChannelMessage;
  };
  "POST /api/v1/channels/{id}/messages/{message_id}/pin": {
    body: { is_pinned: boolean };
    answer: ChannelMessage;
  };
  "POST /api/v1/channels/{id}/messages/{message_id}/reactions/add": {
    body: { name: string };
    answer: true;
  };
  "POST /api/v1/channels/{id}/messages/{message_id}/reactions/remove": {
    body: { name: string };
    answer: true;
  };
  "DELETE /api/v1/channels/{id}/messages/{message_id}/delete": { answer: true };
  "GET /health": { answer: { status: true } };
  "GET /ready": { answer: { status: boolean; failed: string[] } };
}

/** A method with its path. */
export type RouteName = keyof HttpRoutes;
/** What a route answers. */
export type RouteAnswer<R extends RouteName> = HttpRoutes[R]["answer"];
