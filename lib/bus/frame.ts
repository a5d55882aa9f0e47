/**
 * What travels on the bus: a message, or a part of one, behind a line that says whose it is.
 *
 * `sender seq` for a whole message, `sender seq message index count` for a part. A body without a
 * character says that messages before it were given up: no message is empty.
 */
export interface Frame {
  /** The transport that sent it, new with each start of a process. */
  sender: string;
  /** Rises by one with every frame of a sender; a frame that is sent again keeps it. */
  seq: number;
  body: string;
  part?: PartOf;
}

export interface PartOf {
  /** Rises with every message of a sender. */
  message: number;
  index: number;
  count: number;
}

/** What a message may fall into: about 340 MB of text on any bus. */
export const MAX_PARTS = 12_288;
/** What the line in front of a body takes at most. */
export const MAX_HEADER_CHARS = 160;

const HEADER = /^([\w-]{1,64}) (\d{1,15})(?: (\d{1,15}) (\d{1,5}) (\d{1,5}))?$/;

export function encodeFrame({ sender, seq, body, part }: Frame): string {
  const rest = part === undefined ? "" : ` ${part.message} ${part.index} ${part.count}`;
  return `${sender} ${seq}${rest}\n${body}`;
}

/** The frame, or `undefined` for a text that is none. */
export function decodeFrame(text: string): Frame | undefined {
  const end = text.indexOf("\n");
  if (end < 0 || end > MAX_HEADER_CHARS) return undefined;
  const [, sender, seq, message, index, count] = HEADER.exec(text.slice(0, end)) ?? [];
  if (sender === undefined) return undefined;
  const frame = { sender, seq: Number(seq), body: text.slice(end + 1) };
  if (message === undefined) return frame;
  const part = { message: Number(message), index: Number(index), count: Number(count) };
  const isSound = part.count >= 2 && part.count <= MAX_PARTS && part.index < part.count;
  return isSound ? { ...frame, part } : undefined;
}

/** Where a part that begins at `from` ends: never inside of a surrogate pair, which would not survive UTF-8. */
export function partEnd(text: string, from: number, maxChars: number): number {
  const end = from + maxChars;
  if (end >= text.length) return text.length;
  const last = text.charCodeAt(end - 1);
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}

/** Into how many parts a text falls. */
export function countParts(text: string, maxChars: number): number {
  let parts = 0;
  for (let at = 0; at < text.length; at = partEnd(text, at, maxChars)) parts++;
  return Math.max(1, parts);
}
