import { messageOf } from "../../client/errors.ts";
import type { ListedChat } from "../../protocol/chat.ts";
import type { AppSession } from "../app_session.ts";
import { go, route } from "../route.ts";
import { askText } from "../ui/dialogs.tsx";
import { offer, toast } from "../ui/toasts.tsx";

/** How long the server keeps a chat that was deleted: longer than "Undo" is shown. */
const UNDO_SECONDS = 30;

/** What is done to a chat; each tab hears of it from the server. */
export function chatActions({ api }: Pick<AppSession, "api">) {
  /** Never rejects: what went wrong is told. */
  const attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (thrown) {
      toast(messageOf(thrown), "error");
      return false;
    }
  };

  return {
    pin: ({ id, pinned }: ListedChat) =>
      attempt(() =>
        api("POST /api/v1/chats/{id}/pin", { params: { id }, body: { pinned: !pinned } })
      ),

    async rename({ id, title }: ListedChat) {
      const answer = await askText({
        title: "Rename this chat",
        message: "",
        placeholder: "Title",
        value: title,
      });
      const next = answer === false ? "" : answer.trim();
      if (next === "" || next === title) return;
      const body = { chat: { title: next.slice(0, 1_000) } };
      await attempt(() => api("POST /api/v1/chats/{id}", { params: { id }, body }));
    },

    /** Deletes the chat at once, everywhere; for some seconds it can be taken back. */
    async remove({ id, title }: ListedChat) {
      const query = { undo: UNDO_SECONDS };
      const isDone = await attempt(() =>
        api("DELETE /api/v1/chats/{id}", { params: { id }, query })
      );
      if (!isDone) return;
      const wasHere = route.value.place === "chat" && route.value.id === id;
      if (wasHere) go("chat");
      const restore = () =>
        attempt(async () => {
          await api("POST /api/v1/chats/{id}/restore", { params: { id } });
          if (wasHere) go("chat", id);
        });
      offer(`“${title}” is deleted.`, { text: "Undo", act: () => void restore() });
    },
  };
}
