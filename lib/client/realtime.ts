import { type ChannelEventHandler, channelEventHandler } from "./channels.ts";
import { type ChatEventHandler, chatEventHandler, type ChatHooks } from "./chats.ts";
import { connect } from "./connect.ts";
import type { Connection, ConnectOptions } from "./connection.ts";

/** A connection with its chats and channels. */
export interface Realtime {
  /** The connection that both use. */
  readonly connection: Connection;
  /** The chats. */
  readonly chats: ChatEventHandler;
  /** The channels. */
  readonly channels: ChannelEventHandler;
}

/**
 * Connects, with chats and channels: what most programs begin with.
 *
 * @example
 * ```ts
 * import { openRealtime } from "webui-realtime-client";
 *
 * using realtime = openRealtime({ url: "http://localhost:8080", token: "…" });
 * realtime.channels.onChange((change) => console.log(change.type));
 * ```
 */
export function openRealtime(
  options: ConnectOptions,
  hooks: ChatHooks = {},
): Realtime & Disposable & { close(): void } {
  const connection = connect(options);
  const chats = chatEventHandler(connection, hooks);
  const channels = channelEventHandler(connection);
  const close = () => {
    chats.close();
    channels.close();
    connection.close();
  };
  return { connection, chats, channels, close, [Symbol.dispose]: close };
}
