import { Observable } from "./ui/observable.ts";
import { type Place, type Route, routeOf } from "./route_of.ts";

export type { Place, Route };

const read = () => routeOf(location.hash);

export const route = new Observable<Route>(read());
addEventListener("hashchange", () => route.value = read());

export const addressOf = (place: Place, id = "") =>
  `#/${place}${id && `/${encodeURIComponent(id)}`}`;

export const addressOfThread = (channelId: string, threadId: string) =>
  `${addressOf("channel", channelId)}/thread/${encodeURIComponent(threadId)}`;

/** Opens a thread beside its channel, or (`undefined`) closes it. */
export function goToThread(channelId: string, threadId: string | undefined): void {
  location.hash = threadId === undefined
    ? addressOf("channel", channelId)
    : addressOfThread(channelId, threadId);
}

export function go(place: Place, id = ""): void {
  location.hash = addressOf(place, id);
}

/** Gives the page of now another address without leaving it: a new chat has got its id. */
export function rename(place: Place, id: string): void {
  history.replaceState(null, "", addressOf(place, id));
  route.value = { place, id };
}
