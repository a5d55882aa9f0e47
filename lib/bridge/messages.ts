/**
 * The messages that python-socketio's processes publish for each other (`AsyncRedisManager`, versions
 * 5.14.0 to 5.16.2), read and written. What they look like was read off those versions and off the
 * bus of Open WebUI 0.11.3 and 0.12.4; the upstream is miguelgrinberg/python-socketio.
 */
import * as v from "valibot";
import { parseLenientJson } from "./lenient_json.ts";

/** An event for the sockets of rooms. */
export interface EmitMessage {
  method: "emit";
  hostId: string;
  event: string;
  /** The event's arguments; what was bytes there is a `Uint8Array`. */
  args: unknown[];
  /** `undefined`: everybody. A socket's id is a room, too. */
  rooms: string[] | undefined;
  /** Sockets that don't get it. */
  except: string[];
  /** Asks for the answer of one socket: what a {@linkcode CallbackMessage} names again. */
  callback: { sid: string; id: number } | undefined;
}

/** Moves a socket, wherever it is, into a room or out of it. */
export interface RoomMessage {
  method: "enter_room" | "leave_room";
  hostId: string;
  sid: string;
  room: string;
}

export interface DisconnectMessage {
  method: "disconnect";
  hostId: string;
  sid: string;
}

/** Empties a room; its members stay connected. */
export interface CloseRoomMessage {
  method: "close_room";
  hostId: string;
  room: string;
}

/** A socket's answer to a call, for the process whose id it carries. */
export interface CallbackMessage {
  method: "callback";
  hostId: string;
  sid: string;
  id: number;
  args: unknown[];
}

export type BridgeMessage =
  | EmitMessage
  | RoomMessage
  | DisconnectMessage
  | CloseRoomMessage
  | CallbackMessage;

/** What can't be read: why, in words that a log may show. */
export class UnreadableMessage extends Error {
  override readonly name = "UnreadableMessage";
}

/**
 * A pickle begins with a byte that no UTF-8 text begins with. It is never unpacked, since unpacking
 * runs what it says.
 */
const NO_TEXT = "\ufffd";
/** The only namespace of Open WebUI. */
const NAMESPACE = "/";
/** Names that Socket.IO keeps for itself. */
const RESERVED = new Set([
  "connect",
  "connect_error",
  "disconnect",
  "disconnecting",
  "newListener",
  "removeListener",
]);

const Id = v.pipe(v.string(), v.minLength(1));
const OneOrMany = v.nullish(v.union([Id, v.array(Id)]));
const common = {
  namespace: v.optional(v.string(), NAMESPACE),
  host_id: v.optional(v.string(), ""),
};
const EmitSchema = v.object({
  ...common,
  method: v.literal("emit"),
  event: v.pipe(Id, v.check((name) => !RESERVED.has(name), "is a name of Socket.IO's own")),
  data: v.optional(v.unknown()),
  binary: v.nullish(v.boolean()),
  room: OneOrMany,
  skip_sid: OneOrMany,
  callback: v.nullish(v.tuple([Id, v.string(), v.pipe(v.number(), v.integer())])),
});
const MessageSchema = v.variant("method", [
  EmitSchema,
  v.object({ ...common, method: v.picklist(["enter_room", "leave_room"]), sid: Id, room: Id }),
  v.object({ ...common, method: v.literal("disconnect"), sid: Id }),
  v.object({ ...common, method: v.literal("close_room"), room: Id }),
  v.object({
    ...common,
    method: v.literal("callback"),
    sid: Id,
    id: v.pipe(v.number(), v.integer()),
    args: v.optional(v.array(v.unknown()), () => []),
  }),
]);
const PlaceholderSchema = v.object({ _placeholder: v.literal(true), num: v.number() });

/**
 * Reads a message as it came from Redis, decoded as UTF-8; `undefined` for one of a namespace that nobody here is in.
 *
 * @throws {UnreadableMessage} for a pickle, and for what is no such message
 */
export function readBridgeMessage(text: string): BridgeMessage | undefined {
  if (text.startsWith(NO_TEXT)) {
    throw new UnreadableMessage(
      "a pickle, as python-socketio before 5.14 sends (Open WebUI up to 0.6.36)",
    );
  }
  let body: unknown;
  try {
    body = parseLenientJson(text);
  } catch {
    throw new UnreadableMessage("no JSON");
  }
  const read = v.safeParse(MessageSchema, body);
  if (!read.success) {
    throw new UnreadableMessage(`no message of python-socketio: ${read.issues[0].message}`);
  }
  const { namespace, host_id: hostId, ...message } = read.output;
  if (namespace !== NAMESPACE) return undefined;
  if (message.method !== "emit") return { hostId, ...message };
  const { event, data, binary, room, skip_sid, callback } = message;
  return {
    method: "emit",
    hostId,
    event,
    args: argumentsOf(data, binary ?? undefined),
    rooms: typeof room === "string" ? [room] : room ?? undefined,
    except: typeof skip_sid === "string" ? [skip_sid] : skip_sid ?? [],
    callback: callback ? { sid: callback[0], id: callback[2] } : undefined,
  };
}

/** Since 5.15.1 `data` is the list of the arguments; before, it was the only argument, or a tuple of them. */
function argumentsOf(data: unknown, binary: boolean | undefined): unknown[] {
  if (binary === true && Array.isArray(data)) {
    const [packet, ...attachments] = data;
    const args = withAttachments(packet, attachments.map(decodeBase64));
    return Array.isArray(args) ? args : [args];
  }
  if (Array.isArray(data) && binary !== undefined) return data;
  return data === undefined || data === null ? [] : [data];
}

function decodeBase64(text: unknown): Uint8Array {
  try {
    return Uint8Array.fromBase64(String(text));
  } catch {
    throw new UnreadableMessage("an attachment that is no base64");
  }
}

function withAttachments(value: unknown, attachments: readonly Uint8Array[]): unknown {
  const placeholder = v.safeParse(PlaceholderSchema, value);
  if (placeholder.success) {
    const bytes = attachments[placeholder.output.num];
    if (bytes === undefined) throw new UnreadableMessage("an attachment is missing");
    return bytes;
  }
  if (Array.isArray(value)) return value.map((each) => withAttachments(each, attachments));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, withAttachments(each, attachments)]),
  );
}

/** Writes the answer of a socket, for the process that called it. */
export function writeCallback({ hostId, sid, id, args }: Omit<CallbackMessage, "method">): string {
  const message = { method: "callback", host_id: hostId, sid, namespace: NAMESPACE, id, args };
  return JSON.stringify(message);
}

/** Names of the channels on which messages for a room come, in either of the two styles. */
export const BASE_CHANNEL = "socketio";
/** Of one room, since Open WebUI 0.12.0; a socket's id is a room. */
export const roomChannel = (room: string) => `${BASE_CHANNEL}#${NAMESPACE}#${room}`;
