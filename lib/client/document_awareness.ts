import { applyAwarenessUpdate, type Awareness } from "y-protocols/awareness";
import type { WireBytes } from "../protocol/document_events.ts";

const OPEN_BRACE = 0x7b;

/** Bytes, however the other end spoke them. */
export const bytesOf = (bytes: WireBytes): Uint8Array =>
  bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);

/**
 * Takes cursors and names in either encoding: y-protocols' own, or the JSON of Open WebUI's client,
 * `{[clientId]: state}`, in which an empty state means that the cursor is gone.
 */
export function applyAwareness(awareness: Awareness, bytes: Uint8Array, origin: unknown): void {
  const states = bytes[0] === OPEN_BRACE ? readJson(bytes) : undefined;
  if (!states) return applyAwarenessUpdate(awareness, bytes, origin);
  const changes = { added: [] as number[], updated: [] as number[], removed: [] as number[] };
  for (const [name, state] of Object.entries(states)) {
    const id = Number(name);
    if (!Number.isSafeInteger(id) || id === awareness.clientID) continue;
    const isGone = state === null || Object.keys(state).length === 0;
    const isKnown = awareness.states.has(id);
    if (isGone && !isKnown) continue;
    if (isGone) awareness.states.delete(id);
    else awareness.states.set(id, state);
    const clock = (awareness.meta.get(id)?.clock ?? 0) + 1;
    awareness.meta.set(id, { clock, lastUpdated: Date.now() });
    (isGone ? changes.removed : isKnown ? changes.updated : changes.added).push(id);
  }
  if (changes.added.length + changes.updated.length + changes.removed.length === 0) return;
  awareness.emit("change", [changes, origin]);
  awareness.emit("update", [changes, origin]);
}

function readJson(bytes: Uint8Array): Record<string, Record<string, unknown> | null> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? value as Record<string, Record<string, unknown> | null>
      : undefined;
  } catch {
    // A binary update may begin with the same byte.
    return undefined;
  }
}
