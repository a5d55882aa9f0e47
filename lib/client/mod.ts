/**
 * The client library: chats, channels and all that a page, or a program in Deno or Node, needs to
 * take part. `docs/client.md` is the way in.
 *
 * @module
 */
export * from "./exports/api.ts";
export type { AnswerDelta, AnswerSnapshot, AnswerState } from "./answer.ts";
export type { SaidMessage } from "./ask.ts";
export { ChannelList, type ChannelListOptions, type ChannelListSnapshot } from "./channel_list.ts";
export {
  ChannelModel,
  type ChannelModelOptions,
  type ChannelSnapshot,
  type Post,
} from "./channel_model.ts";
export type { Writer } from "./channel_writers.ts";
export {
  type ChannelChange,
  ChannelEventHandler,
  channelEventHandler,
  type ChannelEventHandlerOptions,
} from "./channels.ts";
export type { Messages } from "./chat_history.ts";
export { ChatList, type ChatListSnapshot } from "./chat_list.ts";
export { ChatModel } from "./chat_model.ts";
export type { AskedModel, ChatModelOptions, ChatSetup, ChatSnapshot } from "./chat_snapshot.ts";
export {
  type AskOptions,
  ChatEventHandler,
  chatEventHandler,
  type ChatHooks,
  type FollowOptions,
  type OtherChatEvent,
} from "./chats.ts";
export type { CaughtUp, Comeback, OnlineListener } from "./comeback.ts";
export { connect } from "./connect.ts";
export type {
  AskEventOptions,
  ConnectedUser,
  Connection,
  ConnectionState,
  ConnectionStatus,
  ConnectOptions,
  EventListener,
  Sayable,
} from "./connection.ts";
export { completeDirectly, directModels, type DirectProvider } from "./direct_connections.ts";
export type { FollowedAnswer } from "./followed_answer.ts";
export { OnlinePeople } from "./online_people.ts";
export { openRealtime, type Realtime } from "./realtime.ts";
export type { Readable } from "./store.ts";
export type { Token } from "./token_source.ts";
export { runTool } from "./tools.ts";
export { type LookedAt, Viewers, type ViewersSnapshot } from "./viewers.ts";
export type * from "../protocol/chat_events.ts";
export type * from "../protocol/document_events.ts";
export type {
  AnswerStreamData,
  ChatEvent,
  CompletionData,
  CompletionDelta,
  CompletionEvent,
  EmitterData,
  ErrorEvent,
  ResumeAnswer,
} from "../protocol/events.ts";
export type { UserEvent, Viewer } from "../protocol/user.ts";
export type * from "../protocol/wire_events.ts";
