import type { BroadcastOptions, ClusterMessage } from "socket.io-adapter";

/** The message of one type. */
export type WireMessage<Type> = Extract<ClusterMessage, { type: Type }>;

export interface WireOptions {
  rooms: string[];
  except: string[];
  flags: NonNullable<BroadcastOptions["flags"]>;
}

export function toWire({ rooms, except, flags }: BroadcastOptions): WireOptions {
  return { rooms: [...rooms], except: [...except ?? []], flags: { ...flags } };
}

export function fromWire({ rooms, except, flags }: WireOptions): BroadcastOptions {
  return { rooms: new Set(rooms), except: new Set(except), flags };
}
