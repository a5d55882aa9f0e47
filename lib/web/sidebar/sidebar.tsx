import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../../client/errors.ts";
import { useStore } from "../../client/react/use_store.ts";
import { confirm } from "../ui/dialogs.tsx";
import type { AppSession } from "../app_session.ts";
import { titleOf } from "../channels/channel_names.ts";
import { Icon, type IconName } from "../ui/icons.tsx";
import { useValue } from "../ui/observable.ts";
import { lazy } from "../lazy.tsx";
import { addressOf, go, type Place, route } from "../route.ts";
import { Loading } from "../ui/states.tsx";
import { toast } from "../ui/toasts.tsx";

const NewChannelDialog = lazy(async () =>
  (await import("../channels/new_channel_dialog.tsx")).NewChannelDialog
);

const LIGHTS: Record<string, string> = {
  online: "Connected",
  connecting: "Connecting…",
  offline: "No connection",
  signed_out: "Signed out",
  closed: "Closed",
};

export function Sidebar({ session }: { session: AppSession }) {
  const { state } = useStore(session.connection);
  const { place } = useValue(route);
  return (
    <aside class="sidebar">
      <div class="brand">
        <img src="icon.svg" alt="" width="28" height="28" />
        <strong>WebUI Realtime</strong>
        <span
          class={`light ${state}`}
          role="img"
          aria-label={LIGHTS[state]}
          title={LIGHTS[state]}
        />
      </div>
      <a class="new-chat" href={addressOf("chat")}>
        <Icon name="plus" /> New chat
      </a>
      <nav aria-label="Chats and channels">
        <Channels session={session} />
        <Chats session={session} />
      </nav>
      <nav class="foot" aria-label="Other places">
        <Entry icon="note" place="notes" isCurrent={place === "notes" || place === "note"}>
          Notes
        </Entry>
        {session.me.role === "admin" && (
          <Entry icon="admin" place="admin" isCurrent={place === "admin"}>Live view</Entry>
        )}
        <Entry icon="settings" place="settings" isCurrent={place === "settings"}>
          {session.me.name}
        </Entry>
      </nav>
    </aside>
  );
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

function Channels({ session }: { session: AppSession }) {
  const { channels, unread } = useStore(session.channelList);
  const { place, id: current } = useValue(route);

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
          const title = titleOf(channel, session.me.id);
          return (
            <li key={id} class={count > 0 ? "unread" : ""}>
              <a
                class="entry"
                href={addressOf("channel", id)}
                aria-current={place === "channel" && current === id ? "page" : undefined}
              >
                <Icon name={channel.type === "dm" ? "chat" : "channel"} />
                <span dir="auto">{title}</span>
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

function Chats({ session }: { session: AppSession }) {
  const { chats, hasMore } = useStore(session.chatList);
  const { place, id: current } = useValue(route);

  async function remove(id: string, title: string) {
    const isSure = await confirm({
      title: "Delete this chat?",
      message: `“${title}” and its messages are gone for good.`,
      yes: "Delete",
    });
    if (!isSure) return;
    try {
      await session.api("DELETE /api/v1/chats/{id}", { params: { id } });
      if (place === "chat" && current === id) go("chat");
      await session.chatList.changed(id);
    } catch (thrown) {
      toast(messageOf(thrown), "error");
    }
  }

  return (
    <section aria-labelledby="chats-title">
      <h2 id="chats-title">Chats</h2>
      {chats === undefined && <Loading what="chats" />}
      {chats?.length === 0 && <p class="none">Your chats will be here.</p>}
      <ul>
        {chats?.map(({ id, title }) => (
          <li key={id}>
            <a
              class="entry"
              href={addressOf("chat", id)}
              aria-current={place === "chat" && current === id ? "page" : undefined}
            >
              <span dir="auto">{title}</span>
            </a>
            <button
              type="button"
              class="icon-button reveal"
              aria-label={`Delete ${title}`}
              onClick={() => remove(id, title)}
            >
              <Icon name="trash" />
            </button>
          </li>
        ))}
      </ul>
      {hasMore && <More key={chats?.length} onSeen={() => session.chatList.more()} />}
    </section>
  );
}

/** The end of what was loaded: the next part comes once when it is looked at, or is asked for. */
function More({ onSeen }: { onSeen: () => Promise<void> }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const watch = new IntersectionObserver(([seen]) => {
      if (!seen?.isIntersecting) return;
      watch.disconnect();
      void onSeen();
    });
    if (button.current) watch.observe(button.current);
    return () => watch.disconnect();
  }, []);
  return (
    <button ref={button} type="button" class="quiet more" onClick={() => void onSeen()}>
      Older chats
    </button>
  );
}
