import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useStore } from "../../client/react/use_store.ts";
import type { ListedChat } from "../../protocol/chat.ts";
import type { AppSession } from "../app_session.ts";
import { isInFront } from "../chats/chat_hooks.ts";
import { addressOf, route } from "../route.ts";
import { Icon } from "../ui/icons.tsx";
import { Menu } from "../ui/menu.tsx";
import { useValue } from "../ui/observable.ts";
import { Loading } from "../ui/states.tsx";
import { chatActions } from "./chat_actions.ts";
import { grouped } from "./date_groups.ts";
import { useToday } from "./use_today.ts";

/** One's chats: pinned ones first, the others by when they last changed. */
export function Chats({ session }: { session: AppSession }) {
  const { chats, pinned, hasMore } = useStore(session.chatList);
  const [menu, setMenu] = useState<{ chat: ListedChat; opener: HTMLElement }>();
  const today = useToday();
  const actions = useMemo(() => chatActions(session), [session]);
  useReader(session);
  const groups = useMemo(
    () => grouped(chats?.filter(({ pinned }) => !pinned) ?? [], today),
    [chats, today],
  );
  const all = pinned.length > 0 ? [["Pinned", pinned] as const, ...groups] : groups;
  return (
    <section aria-labelledby="chats-title">
      <h2 id="chats-title">Chats</h2>
      {chats === undefined && <Loading what="chats" />}
      {chats?.length === 0 && pinned.length === 0 && <p class="none">Your chats will be here.</p>}
      {all.map(([heading, items]) => (
        <div key={heading} role="group" aria-label={heading}>
          <h3>{heading}</h3>
          <ul>
            {items.map((chat) => (
              <Entry
                key={chat.id}
                chat={chat}
                isOpen={menu?.chat.id === chat.id}
                onMenu={(opener) => setMenu({ chat, opener })}
              />
            ))}
          </ul>
        </div>
      ))}
      {hasMore && <More key={chats?.length} onSeen={() => session.chatList.more()} />}
      {menu && (
        <Menu
          label={menu.chat.title}
          opener={menu.opener}
          onClose={() => setMenu(undefined)}
          items={[
            {
              icon: "pin",
              text: menu.chat.pinned ? "Unpin" : "Pin",
              act: () => void actions.pin(menu.chat),
            },
            { icon: "rename", text: "Rename", act: () => void actions.rename(menu.chat) },
            {
              icon: "trash",
              text: "Delete",
              isDanger: true,
              act: () => void actions.remove(menu.chat),
            },
          ]}
        />
      )}
    </section>
  );
}

interface EntryProps {
  chat: ListedChat;
  /** Whether its menu is there. */
  isOpen: boolean;
  onMenu(opener: HTMLElement): void;
}

function Entry({ chat, isOpen, onMenu }: EntryProps) {
  const { id, title, active, unread } = chat;
  const { place, id: current } = useValue(route);
  const isCurrent = place === "chat" && current === id;
  const isUnread = unread && !active && !isCurrent;
  return (
    <li class={isUnread ? "unread" : ""}>
      <a
        class="entry"
        href={addressOf("chat", id)}
        aria-current={isCurrent ? "page" : undefined}
      >
        <span dir="auto">{title}</span>
        {active && <i class="running" role="img" aria-label="is being answered" />}
        {isUnread && <i class="dot" role="img" aria-label="unread" />}
      </a>
      <button
        type="button"
        class="icon-button reveal"
        aria-label={`More for ${title}`}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        onClick={(event) => onMenu(event.currentTarget)}
      >
        <Icon name="more" />
      </button>
    </li>
  );
}

/** The chat that somebody looks at is read, as soon as there is something to read. */
function useReader({ chatList, chats }: AppSession): void {
  useEffect(() => {
    /** What was said to be read: until the server has heard it, the list says otherwise. */
    let told = "";
    const look = () => {
      const { place, id } = route.value;
      if (place !== "chat" || !isInFront("chat", id)) return;
      const chat = chatList.find(id);
      if (!chat?.unread || chat.active) return;
      const key = `${id} ${chat.updated_at}`;
      if (key !== told) chats.markRead(id);
      told = key;
    };
    const ends = [
      chatList.subscribe(look),
      route.subscribe(look),
    ];
    addEventListener("focus", look);
    document.addEventListener("visibilitychange", look);
    look();
    return () => {
      for (const end of ends) end();
      removeEventListener("focus", look);
      document.removeEventListener("visibilitychange", look);
    };
  }, [chatList, chats]);
}

/** The end of what was loaded: the next part comes once when it is looked at, or is asked for. */
function More({ onSeen }: { onSeen: () => Promise<unknown> }) {
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
