import { useEffect } from "preact/hooks";
import { Observable } from "./observable.ts";

const APP = "WebUI Realtime";

/** What the page is called, without what is unread. */
const title = new Observable("");
/** How much nobody has read: it stands before the title, so that a tab in the background shows it. */
const unread = new Observable(0);

function show(): void {
  const count = unread.value > 99 ? "99+" : unread.value;
  const name = title.value ? `${title.value} · WebUI` : APP;
  document.title = unread.value > 0 ? `(${count}) ${name}` : name;
}
title.subscribe(show);
unread.subscribe(show);

/** The document is called so from now on; empty: by the app's own name. */
export function setPageTitle(text: string): void {
  title.value = text;
  show();
}

/** As {@linkcode setPageTitle}, as long as the component shows this page. */
export function usePageTitle(text: string): void {
  useEffect(() => setPageTitle(text), [text]);
}

export function setUnread(count: number): void {
  unread.value = count;
}
