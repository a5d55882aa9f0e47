/** A WebSocket frame, prepared once for all receivers. */
export type Frame = readonly Uint8Array[];

/** The options of a packet, as the engine and the adapters pass them on. One object serves all receivers. */
export interface PacketOptions {
  compress?: boolean;
  volatile?: boolean;
  wsPreEncodedFrame?: Frame;
  /** An event and its attachment as one packet, made for the first of all receivers. */
  joined?: { text: string; bytes: Uint8Array; options: PacketOptions };
}
