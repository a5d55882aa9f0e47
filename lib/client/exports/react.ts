/**
 * Hooks for React 18.3 and later, and for Preact by `preact/compat`.
 *
 * @module
 */
export type { Awareness, Doc } from "../yjs_types.ts";
export {
  RealtimeProvider,
  type RealtimeProviderProps,
  type UseConnection,
  useConnection,
  useRealtime,
} from "../react/context.ts";
export {
  type UseChannel,
  useChannel,
  type UseChannelOptions,
  useChannels,
} from "../react/use_channel.ts";
export {
  type AskWith,
  type ChatStatus,
  type UseChat,
  useChat,
  type UseChatOptions,
} from "../react/use_chat.ts";
export {
  type Present,
  type UseDocument,
  useDocument,
  type UseDocumentOptions,
  usePresence,
} from "../react/use_document.ts";
export { useOnline, useViewers } from "../react/use_presence.ts";
export { useFrames, useStore } from "../react/use_store.ts";
