import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useOnline } from "../../client/react/use_presence.ts";
import { useStore } from "../../client/react/use_store.ts";
import type { AppSession } from "../app_session.ts";
import type { PeopleList } from "../people/people_list.ts";
import { otherIn, titleOf } from "../channels/channel_names.ts";
import { OnlineMark } from "../people/here.tsx";
import { useVisible } from "../ui/visible.ts";
import { Icon, type IconName } from "../ui/icons.tsx";
import { useValue } from "../ui/observable.ts";
import { lazy } from "../lazy.tsx";
import { addressOf, type Place, route } from "../route.ts";
import { ConnectionLight } from "../ui/connection.tsx";
import { setUnread } from "../ui/page_title.ts";
import { Chats } from "./chats.tsx";
import { overlay } from "./overlays.tsx";

const NewChannelDialog = lazy(async () =>
  (await import("../channels/new_channel_dialog.tsx")).NewChannelDialog
);

export function Sidebar({ session }: { session: AppSession }) {
  const { place } = useValue(route);
  const { name } = useValue(session.profile);
  useUnread(session);
  return (
    <aside class="sidebar">
      <div class="brand">
        <img src="icon.svg" alt="" width="28" height="28" />
        <strong>WebUI Realtime</strong>
        <ConnectionLight connection={session.connection} />
      </div>
      <div class="begin">
        <a class="new-chat" href={addressOf("chat")}>
          <Icon name="plus" /> New chat
        </a>
        <button
          type="button"
          class="icon-button"
          aria-label="Search chats"
          aria-keyshortcuts="Control+K"
          title="Search chats (Ctrl+K)"
          onClick={() => overlay.value = "search"}
        >
          <Icon name="search" />
        </button>
      </div>
      <nav aria-label="Chats and channels">
        <Channels session={session} />
        <Chats session={session} />
      </nav>
      <nav class="foot" aria-label="Other places">
        <Entry icon="note" place="notes" isCurrent={place === "notes" || place === "note"}>
          Notes
        </Entry>
        {session.people && <People list={session.people} isCurrent={place === "people"} />}
        {session.me.role === "admin" && (
          <Entry icon="admin" place="admin" isCurrent={place === "admin"}>Live view</Entry>
        )}
        <Entry icon="settings" place="settings" isCurrent={place === "settings"}>
          {name}
        </Entry>
      </nav>
    </aside>
  );
}

/** What nobody has read stands before the document's title: messages in channels, answers in chats. */
function useUnread({ channelList, chatList }: AppSession): void {
  const { unread } = useStore(channelList);
  const { chats = [], pinned } = useStore(chatList);
  const answers = new Set([...chats, ...pinned].filter(({ unread }) => unread).map(({ id }) => id));
  let count = answers.size;
  for (const messages of unread.values()) count += messages;
  useEffect(() => setUnread(count), [count]);
  useEffect(() => () => setUnread(0), []);
}

function Entry(
  { icon, place, isCurrent, children }: {
    icon: IconName;
    place: Place;
    isCurrent: boolean;
    children: ComponentChildren;
  },
) {
  return (
    <a class="entry" href={addressOf(place)} aria-current={isCurrent ? "page" : undefined}>
      <Icon name={icon} />
      <span>{children}</span>
    </a>
  );
}

/** With how many wait to be let in. */
function People({ list, isCurrent }: { list: PeopleList; isCurrent: boolean }) {
  const { waiting } = useStore(list);
  return (
    <Entry icon="people" place="people" isCurrent={isCurrent}>
      People
      {waiting > 0 && <b class="badge" aria-label={`${waiting} waiting`}>{waiting}</b>}
    </Entry>
  );
}

function Channels({ session }: { session: AppSession }) {
  const { channels, unread } = useStore(session.channelList);
  const { place, id: current } = useValue(route);
  const meId = session.me.id;
  const others = channels?.map((channel) => otherIn(channel, meId)).filter((id) =>
    id !== undefined
  );
  const online = useOnline(useVisible() ? others ?? [] : []);
  const [isMaking, setMaking] = useState(false);

  return (
    <section aria-labelledby="channels-title">
      <h2 id="channels-title">
        Channels
        <button
          type="button"
          class="icon-button"
          aria-label="New channel"
          onClick={() => setMaking(true)}
        >
          <Icon name="plus" />
        </button>
      </h2>
      {isMaking && <NewChannelDialog session={session} onClose={() => setMaking(false)} />}
      {channels?.length === 0 && <p class="none">No channels yet.</p>}
      <ul>
        {channels?.map((channel) => {
          const { id } = channel;
          const count = unread.get(id) ?? 0;
          const title = titleOf(channel, meId);
          const other = otherIn(channel, meId);
          return (
            <li key={id} class={count > 0 ? "unread" : ""}>
              <a
                class="entry"
                href={addressOf("channel", id)}
                aria-current={place === "channel" && current === id ? "page" : undefined}
              >
                <Icon name={channel.type === "dm" ? "chat" : "channel"} />
                <span dir="auto">{title}</span>
                {other !== undefined && <OnlineMark isOnline={online.has(other)} />}
                {count > 0 && (
                  <b class="badge" aria-label={`${count} unread`}>{count > 99 ? "99+" : count}</b>
                )}
              </a>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
