/** Where in the app one is: `#/chat/{id}` and the like, so that every place has an address. */
export type Place = "chat" | "channel" | "notes" | "note" | "settings" | "admin" | "unknown";

export interface Route {
  place: Place;
  id: string;
}

/** The places, and whether each is somewhere in particular: a note, not notes. */
const HAS_ID: Record<Exclude<Place, "unknown">, "always" | "maybe" | "never"> = {
  chat: "maybe",
  channel: "always",
  notes: "never",
  note: "always",
  settings: "never",
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
  if (!Object.hasOwn(HAS_ID, place) || rest.length > 0) return unknown;
  const known = place as keyof typeof HAS_ID;
  const id = decoded(encoded);
  const isRight = encoded === ""
    ? HAS_ID[known] !== "always"
    : HAS_ID[known] !== "never" && ID.test(id) && !/^\.+$/.test(id);
  return isRight ? { place: known, id } : unknown;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
