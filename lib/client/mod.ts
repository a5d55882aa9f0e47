/**
 * The client library: everything that a page, a program in Deno or one in Node needs to take part.
 * It needs no framework; `docs/client.md` is the way in.
 *
 * @module
 */
export { Answer, type StoredAnswer } from "./answer.ts";
export { type Api, type ApiOptions, createApi, type Page } from "./api.ts";
export { ask, type AskOptions, stopAnswers } from "./ask.ts";
export {
  type ChannelChange,
  type ChannelEventHandler,
  channelEventHandler,
  type ChannelEventHandlerOptions,
} from "./channels.ts";
export {
  type ChatEventHandler,
  chatEventHandler,
  type ChatHooks,
  type OtherChatEvent,
} from "./chats.ts";
export {
  connect,
  type Connection,
  type ConnectionState,
  type ConnectionStatus,
  type ConnectOptions,
  type EventListener,
} from "./connection.ts";
export { completeDirectly, directModels, type DirectProvider } from "./direct_connections.ts";
export {
  DocumentProvider,
  type DocumentProviderOptions,
  type DocumentState,
  type DocumentStatus,
} from "./document_provider.ts";
export { ClientError, type ClientErrorCode } from "./errors.ts";
export { type FollowedAnswer, type FollowedAnswerOptions } from "./followed_answer.ts";
export { changedMessage, type MessageParts } from "./message_events.ts";
export { pagesOf } from "./pages.ts";
export {
  type PythonAnswer,
  type PythonRequest,
  PythonRunner,
  type PythonRunnerOptions,
  type PythonWorker,
} from "./python_runner.ts";
export { runTool } from "./tools.ts";
export type { ChatEventType, ChatEventTypes } from "../protocol/chat_events.ts";
export type { ChannelEventTypes } from "../protocol/channel.ts";
export type { ClientEvents, ServerEvents } from "../protocol/wire_events.ts";
