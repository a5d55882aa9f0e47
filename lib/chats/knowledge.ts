/**
 * What somebody who posts a history had seen of the chat (protocol, chats of several devices).
 *
 * A history that is read carries `seen`, which whoever posts it back gives back unread: the version
 * that was read, and a name for this reading. A message is known to the poster when it came with or
 * before that version. Of edits, those of an earlier post of the same reading are known, too.
 */

/** When something came: with which version of the chat, and with whose post. */
export interface Stamp {
  /** Left out until everybody who reads that version finds it: nobody has seen it for sure. */
  at?: number;
  by?: string;
}

export interface Knowledge {
  version: number;
  reader: string;
}

/** What is handed out with a history of this version. */
export function seenToken(chatId: string, version: number): string {
  return [version, crypto.randomUUID(), chatId].join("/");
}

/** What the token says; `undefined` for one that is none, of another chat, or of a later version. */
export function readSeen(
  token: unknown,
  { chatId, version: newest }: { chatId: string; version: number },
): Knowledge | undefined {
  if (typeof token !== "string") return undefined;
  const [version, reader, ofChat] = token.split("/");
  if (ofChat !== chatId || !reader || !/^\d+$/.test(version ?? "")) return undefined;
  if (Number(version) > newest) return undefined;
  return { version: Number(version), reader };
}

/**
 * Whether the poster knows of an edit. What carries no stamp is from before there were any. Who says
 * nothing of what they have seen knows what others said who said nothing: nobody could tell.
 */
export function knowsEdit(knowledge: Knowledge | undefined, stamp: Stamp | undefined): boolean {
  if (stamp === undefined) return true;
  if (knowledge === undefined) return stamp.by === undefined;
  return hasRead(knowledge, stamp) || stamp.by === knowledge.reader;
}

/**
 * Whether it was in what the poster has read. That it came with a post of the same reading is no
 * proof: two devices may have begun with one copy.
 */
export function hasRead({ version }: Knowledge, stamp: Stamp | undefined): boolean {
  return stamp === undefined || (stamp.at !== undefined && stamp.at <= version);
}
