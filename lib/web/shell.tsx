import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ChatPage } from "./chats/chat_page.tsx";
import type { AppSession } from "./app_session.ts";
import { titleOf } from "./channels/channel_names.ts";
import { Icon } from "./ui/icons.tsx";
import { lazy } from "./lazy.tsx";
import { useStore } from "../client/react/use_store.ts";
import { useValue } from "./ui/observable.ts";
import { addressOf, type Place, route } from "./route.ts";
import { EchoNotice } from "./people/echo_notice.tsx";
import { Overlays } from "./sidebar/overlays.tsx";
import { Sidebar } from "./sidebar/sidebar.tsx";
import { ConnectionNotice } from "./ui/connection.tsx";
import { setPageTitle } from "./ui/page_title.ts";
import { EmptyState } from "./ui/states.tsx";
import { isOutdated } from "./version.ts";

const ChannelPage = lazy(async () => (await import("./channels/channel_page.tsx")).ChannelPage);
const NotesPage = lazy(async () => (await import("./notes/notes_page.tsx")).NotesPage);
const NotePage = lazy(async () => (await import("./notes/note_page.tsx")).NotePage);
const SettingsPage = lazy(async () => (await import("./people/settings_page.tsx")).SettingsPage);
const PeoplePage = lazy(async () => (await import("./people/people_page.tsx")).PeoplePage);
const AdminPage = lazy(async () => (await import("./live/admin_page.tsx")).AdminPage);

/** What places are called that have no name of their own. */
const TITLES: Partial<Record<Place, string>> = {
  notes: "Notes",
  note: "Note",
  settings: "Settings",
  people: "People",
  admin: "Live view",
  unknown: "No such page",
};

/** The sidebar and the place one is at. On a phone the sidebar slides over it. */
export function Shell({ session }: { session: AppSession }) {
  const { place, id } = useValue(route);
  const { state } = useStore(session.connection);
  const [isOpen, setOpen] = useState(false);
  useEffect(() => setOpen(false), [place, id]);
  useTitle(session, place, id);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape") setOpen(false);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return (
    <div class={`shell ${isOpen ? "menu-open" : ""}`}>
      <a class="skip" href={location.hash || "#/chat"} onClick={skip}>Skip to the content</a>
      <Sidebar session={session} />
      <button
        type="button"
        class="veil"
        aria-label="Close the menu"
        tabIndex={isOpen ? 0 : -1}
        onClick={() => setOpen(false)}
      />
      <div class="place">
        <button
          type="button"
          class="icon-button menu-button"
          aria-label="Menu"
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        >
          <Icon name="menu" />
          {state !== "online" && <span class={`menu-light ${state}`} />}
        </button>
        <div class="notices">
          <VersionNotice />
          <ConnectionNotice connection={session.connection} />
        </div>
        <EchoNotice session={session} />
        {place === "channel"
          ? <ChannelPage key={id} session={session} id={id} />
          : place === "notes"
          ? <NotesPage session={session} />
          : place === "note"
          ? <NotePage key={id} session={session} id={id} />
          : place === "settings"
          ? <SettingsPage session={session} />
          : place === "people" && session.people
          ? <PeoplePage session={session} list={session.people} />
          : place === "admin" && session.me.role === "admin"
          ? <AdminPage session={session} />
          : place === "admin" || place === "people"
          ? <NoPlace title="For administrators">What the server does is theirs to see.</NoPlace>
          : place === "unknown"
          ? (
            <NoPlace title="There is no such page">
              The address leads nowhere: it may have been cut short.
            </NoPlace>
          )
          : <ChatPage session={session} id={id || undefined} />}
      </div>
      <Overlays session={session} />
    </div>
  );
}

/** The document is called as its place; chats and notes say their title themselves. */
function useTitle({ channelList, me }: AppSession, place: Place, id: string): void {
  const { channels } = useStore(channelList);
  const channel = place === "channel" ? channels?.find((each) => each.id === id) : undefined;
  const title = channel ? titleOf(channel, me.id) : TITLES[place];
  useEffect(() => {
    if (place !== "chat") setPageTitle(title ?? "");
  }, [place, id, title]);
}

/** An address that leads to nothing one may see. */
function NoPlace({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <main tabIndex={-1}>
      <h1 class="bar">{title}</h1>
      <EmptyState icon="chat" title={title}>
        <p>{children}</p>
        <a href={addressOf("chat")}>To your chats</a>
      </EmptyState>
    </main>
  );
}

/** The server has other pages than these: what is missing can be loaded only with them. */
function VersionNotice() {
  if (!useValue(isOutdated)) return null;
  return (
    <p class="notice" role="status">
      There is a new version of this page.{" "}
      <button type="button" class="link" onClick={() => location.reload()}>Load it</button>
    </p>
  );
}

function skip(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("main")?.focus();
}
