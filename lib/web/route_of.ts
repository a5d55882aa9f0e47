/** Where in the app one is: `#/chat/{id}` and the like, so that every place has an address. */
export type Place =
  | "chat"
  | "channel"
  | "notes"
  | "note"
  | "settings"
  | "people"
  | "admin"
  | "unknown";

export interface Route {
  place: Place;
  id: string;
  /** The thread of a channel that is open: `#/channel/{id}/thread/{threadId}`. */
  threadId?: string;
}

/** The places, and whether each is somewhere in particular: a note, not notes. */
const HAS_ID: Record<Exclude<Place, "unknown">, "always" | "maybe" | "never"> = {
  chat: "maybe",
  channel: "always",
  notes: "never",
  note: "always",
  settings: "never",
  people: "never",
  admin: "never",
};
const ID = /^[\w:@.-]{1,256}$/;

/** Where an address leads; anybody may have typed it, or cut it short. */
export function routeOf(hash: string): Route {
  const [place = "", encoded = "", ...rest] = hash.replace(/^#?\/?/, "").replace(/\/$/, "").split(
    "/",
  );
  const unknown: Route = { place: "unknown", id: "" };
  if (place === "" && rest.length === 0) return { place: "chat", id: "" };
  if (!Object.hasOwn(HAS_ID, place)) return unknown;
  if (rest.length > 0) return threadOf(place, encoded, rest) ?? unknown;
  const known = place as keyof typeof HAS_ID;
  const id = decoded(encoded);
  const isRight = encoded === ""
    ? HAS_ID[known] !== "always"
    : HAS_ID[known] !== "never" && isId(id);
  return isRight ? { place: known, id } : unknown;
}

function threadOf(place: string, channel: string, [word, thread, ...rest]: string[]) {
  if (place !== "channel" || word !== "thread" || rest.length > 0) return undefined;
  const [id, threadId] = [decoded(channel), decoded(thread ?? "")];
  return isId(id) && isId(threadId) ? { place, id, threadId } as const : undefined;
}

const isId = (id: string): boolean => ID.test(id) && !/^\.+$/.test(id);

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
