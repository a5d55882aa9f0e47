import { readPersonal, writePersonal } from "../personal.ts";

const KEY = "muted_channels";
/** The oldest go first. */
const MAX_MUTED = 1_000;

function muted(): string[] {
  try {
    const ids: unknown = JSON.parse(readPersonal(localStorage, KEY) ?? "[]");
    return Array.isArray(ids) ? ids.filter((id) => typeof id === "string") : [];
  } catch {
    return [];
  }
}

/** Whether this person has muted the channel in this browser. */
export const isMuted = (channelId: string): boolean => muted().includes(channelId);

/** Whether what is said there is told aloud, in this browser; its count is shown all the same. */
export function setMuted(channelId: string, isMuted: boolean): void {
  const others = muted().filter((id) => id !== channelId);
  const ids = isMuted ? [...others, channelId].slice(-MAX_MUTED) : others;
  try {
    writePersonal(localStorage, KEY, ids.length > 0 ? JSON.stringify(ids) : undefined);
  } catch {
    // A browser that keeps nothing goes on telling.
  }
}
