/** How a transport's frame is prepared, once for all receivers: a WebSocket frame, or the text of a native socket. */
export type Frame = readonly (Uint8Array | string)[];

/** The options of a packet, as the engine and the adapters pass them on. One object serves all receivers. */
export interface PacketOptions {
  compress?: boolean;
  volatile?: boolean;
  wsPreEncodedFrame?: Frame;
}
