import { Observable } from "./observable.ts";

/** Where in the app one is: `#/chat/{id}` and the like, so that every place has an address. */
export type Place = "chat" | "channel" | "notes" | "note" | "settings" | "admin";

export interface Route {
  place: Place;
  id: string;
}

const PLACES: readonly string[] = ["chat", "channel", "notes", "note", "settings", "admin"];

function read(): Route {
  const [place = "", id = ""] = location.hash.replace(/^#\/?/, "").split("/");
  return { place: (PLACES.includes(place) ? place : "chat") as Place, id: decodeURIComponent(id) };
}

export const route = new Observable<Route>(read());
addEventListener("hashchange", () => route.value = read());

export const addressOf = (place: Place, id = "") =>
  `#/${place}${id && `/${encodeURIComponent(id)}`}`;

export function go(place: Place, id = ""): void {
  location.hash = addressOf(place, id);
}

/** Gives the page of now another address without leaving it: a new chat has got its id. */
export function rename(place: Place, id: string): void {
  history.replaceState(null, "", addressOf(place, id));
  route.value = { place, id };
}
