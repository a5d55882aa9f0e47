/**
 * The HTTP API alone, without a socket.
 *
 * @module
 */
export {
  type Api,
  type ApiOptions,
  createApi,
  type ItemOf,
  type Keyed,
  type ListRoute,
  type NameIn,
  type Page,
  type RouteArguments,
  type RouteOptions,
} from "../api.ts";
export type * from "../../protocol/http_routes.ts";
export type { AccessGrant, NamedPrincipal, Principal } from "../../protocol/access_grants.ts";
export type * from "../../protocol/answer_outcome.ts";
export type {
  Channel,
  ChannelBody,
  ChannelEvent,
  ChannelEventTypes,
  ChannelMember,
  ChannelMessage,
  ChannelPatch,
  ChannelRole,
  ChannelType,
  MessageBody,
  Reactions,
  StoredMessage,
} from "../../protocol/channel.ts";
export type {
  Chat,
  ChatBody,
  ChatHistory,
  ChatMessage,
  ChatSummary,
  ListedChat,
  PostedMessage,
} from "../../protocol/chat.ts";
export type * from "../../protocol/group.ts";
export type * from "../../protocol/model_list.ts";
export type * from "../../protocol/note.ts";
export type * from "../../protocol/public_config.ts";
export type * from "../../protocol/system_status.ts";
export type { PublicUser, Role, User } from "../../protocol/user.ts";
export * from "./errors.ts";
