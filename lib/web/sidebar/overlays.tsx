import { useEffect } from "preact/hooks";
import type { AppSession } from "../app_session.ts";
import { lazy } from "../lazy.tsx";
import { go } from "../route.ts";
import { Observable, useValue } from "../ui/observable.ts";
import { isTyping, useShortcuts } from "../ui/shortcuts.ts";

const SearchDialog = lazy(async () => (await import("./search_dialog.tsx")).SearchDialog);
const ShortcutsDialog = lazy(async () => (await import("./shortcuts_dialog.tsx")).ShortcutsDialog);

/** What stands over the page, if anything does. */
export const overlay = new Observable<"search" | "shortcuts" | undefined>(undefined);

const LINES = [
  { keys: "Ctrl+K", what: "Search your chats" },
  { keys: "Ctrl+Shift+O", what: "New chat" },
  { keys: "?", what: "This list" },
];

/** The dialogs that each page has, and the keys that open them. */
export function Overlays({ session }: { session: AppSession }) {
  const shown = useValue(overlay);
  useShortcuts(LINES);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const { key, ctrlKey, metaKey, shiftKey, altKey } = event;
      const hasCommand = (ctrlKey || metaKey) && !altKey;
      const next = hasCommand && !shiftKey && key.toLowerCase() === "k"
        ? "search"
        : key === "?" && !hasCommand && !isTyping(event)
        ? "shortcuts"
        : undefined;
      const isNewChat = hasCommand && shiftKey && key.toLowerCase() === "o";
      if (!next && !isNewChat) return;
      event.preventDefault();
      // A question that waits for its answer stands above all.
      if (overlay.value === undefined && document.querySelector("dialog[open]")) return;
      overlay.value = next && overlay.value === next ? undefined : next;
      if (isNewChat) go("chat");
    };
    addEventListener("keydown", onKey);
    return () => {
      removeEventListener("keydown", onKey);
      overlay.value = undefined;
    };
  }, []);
  const close = () => overlay.value = undefined;
  if (!shown) return null;
  return (
    <div class="overlay">
      {shown === "search"
        ? <SearchDialog session={session} onClose={close} />
        : <ShortcutsDialog onClose={close} />}
    </div>
  );
}
