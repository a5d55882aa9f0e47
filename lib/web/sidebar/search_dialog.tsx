import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../../client/errors.ts";
import type { ListedChat } from "../../protocol/chat.ts";
import type { AppSession } from "../app_session.ts";
import { go } from "../route.ts";
import { Modal } from "../ui/modal.tsx";
import { when } from "../ui/times.ts";

/** A word is being typed: who stops for so long wants an answer. */
const PAUSE_MS = 120;
/** Fewer found chats than this, and the search goes on by itself where it had to stop. */
const ENOUGH = 20;
const RECENT = 8;

interface Found {
  chats: readonly ListedChat[];
  cursor: string | undefined;
}

/** Finds chats by what was said in them, while one types; the arrows choose, Enter opens. */
export function SearchDialog({ session, onClose }: { session: AppSession; onClose(): void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const { found, isBusy, error, more } = useSearch(session, text);
  const list = useRef<HTMLUListElement>(null);
  const chats = text.trim() === ""
    ? session.chatList.snapshot.chats?.slice(0, RECENT) ?? []
    : found?.chats ?? [];
  useEffect(() => setAt(0), [text]);
  useEffect(() => list.current?.children[at]?.scrollIntoView({ block: "nearest" }), [at]);

  function open(chat: ListedChat | undefined) {
    if (!chat) return;
    onClose();
    go("chat", chat.id);
  }

  function onKeyDown(event: KeyboardEvent) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) setAt(Math.max(0, Math.min(at + step, chats.length - 1)));
    else if (event.key === "Enter") open(chats[at]);
    else return;
    event.preventDefault();
  }

  const isNone = text.trim() !== "" && found !== undefined && !isBusy && chats.length === 0;
  return (
    <Modal label="Search chats" class="search" onClose={onClose}>
      <input
        type="text"
        role="combobox"
        aria-label="Search chats"
        aria-expanded={chats.length > 0}
        aria-controls="search-results"
        aria-activedescendant={chats.length > 0 ? `found-${at}` : undefined}
        placeholder="Search in titles and messages"
        autofocus
        maxLength={500}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <ul ref={list} id="search-results" role="listbox" aria-label="Chats" tabIndex={-1}>
        {chats.map((chat, place) => (
          <li
            key={chat.id}
            id={`found-${place}`}
            role="option"
            aria-selected={place === at}
            onMouseMove={() => setAt(place)}
            onClick={() => open(chat)}
          >
            <strong dir="auto">{chat.title}</strong>
            <time>{when(chat.updated_at)}</time>
            {chat.snippet !== undefined && <span dir="auto">{chat.snippet}</span>}
          </li>
        ))}
      </ul>
      <div class="search-state" role="status">
        {error ?? (isBusy ? "Searching…" : isNone ? `Nothing has “${text.trim()}” in it.` : "")}
      </div>
      {found?.cursor !== undefined && !isBusy && text.trim() !== "" && (
        <button type="button" class="quiet" onClick={more}>Search further back</button>
      )}
    </Modal>
  );
}

/** What is found for the text; an older question's answer never comes over a newer one's. */
function useSearch({ api }: Pick<AppSession, "api">, text: string) {
  const [found, setFound] = useState<Found>();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const running = useRef<AbortController>(null);

  async function search(from: Found) {
    running.current?.abort();
    const { signal } = running.current = new AbortController();
    setBusy(true);
    setError(undefined);
    let { chats, cursor } = from;
    try {
      do {
        const query = { text, ...(cursor !== undefined && { cursor }) };
        const page = await api.page("GET /api/v1/chats/search", { query, signal });
        chats = [...chats, ...page.items];
        cursor = page.cursor;
        if (signal.aborted) return;
        setFound({ chats, cursor });
      } while (cursor !== undefined && chats.length < from.chats.length + ENOUGH);
    } catch (thrown) {
      if (signal.aborted) return;
      setError(messageOf(thrown));
    }
    setBusy(false);
  }

  useEffect(() => {
    if (text.trim() === "") {
      running.current?.abort();
      setFound(undefined);
      return setBusy(false);
    }
    const timer = setTimeout(() => void search({ chats: [], cursor: undefined }), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => () => running.current?.abort(), []);
  return { found, isBusy, error, more: () => void (found && search(found)) };
}
