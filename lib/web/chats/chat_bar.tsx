import type { UseChat } from "../../client/react/use_chat.ts";
import { Here } from "../people/here.tsx";
import { addressOf } from "../route.ts";
import { Icon } from "../ui/icons.tsx";
import { EmptyState } from "../ui/states.tsx";
import { useLazyDialog } from "./lazy_dialog.tsx";

const loadSetup = async () => (await import("./chat_setup.tsx")).ChatSetupDialog;

interface ChatBarProps {
  meId: string;
  chat: UseChat;
  nameOf: (modelId: string | undefined) => string;
  onTemporary: (isTemporary: boolean) => void;
}

/** What others can look at, too: a chat that is kept. */
const shared = ({ id, isTemporary, isGone }: UseChat) =>
  id === undefined || isTemporary || isGone ? undefined : { chatId: id };

/** The title, and what concerns the whole chat. */
export function ChatBar({ meId, chat, nameOf, onTemporary }: ChatBarProps) {
  const [setup, openSetup] = useLazyDialog(loadSetup);
  const { isTemporary, isGone } = chat;
  const { system, ...params } = chat.setup.params;
  const isSetUp = Boolean(system) || Object.keys(params).length > 0;
  const title = isGone && !chat.title
    ? "No such chat"
    : isTemporary
    ? "Temporary chat"
    : chat.title;
  // The dialog is no part of the bar, whose words stand in one line.
  return (
    <>
      <header class="bar">
        <h1 dir="auto">{chat.id || isTemporary || isGone ? title : "New chat"}</h1>
        <Here place={shared(chat)} meId={meId} />
        <div class="bar-tools">
          {chat.id === undefined && (
            <button
              type="button"
              class="icon-button"
              aria-label="Temporary chat"
              title="Temporary chat: kept nowhere"
              aria-pressed={isTemporary}
              onClick={() => onTemporary(!isTemporary)}
            >
              <Icon name="temporary" />
            </button>
          )}
          {chat.status !== "loading" && (!isGone || chat.messages.length > 0) && (
            <button
              type="button"
              class="icon-button"
              aria-label="Settings of this chat"
              title="Settings of this chat, and its export"
              aria-haspopup="dialog"
              aria-pressed={isSetUp}
              onClick={() => openSetup({ chat, nameOf })}
            >
              <Icon name="settings" />
            </button>
          )}
        </div>
      </header>
      {setup}
    </>
  );
}

const ToNewChat = () => <a href={addressOf("chat")}>Begin a new chat</a>;

/** Stands where one would write. What was read of the chat stays above. */
export function ChatDeleted() {
  return (
    <div class="dock">
      <p class="gone" role="alert">
        This chat was deleted elsewhere. What you see is gone once you leave it. <ToNewChat />
      </p>
    </div>
  );
}

/** An address that leads to no chat. */
export function NoSuchChat({ isTemporary }: { isTemporary: boolean }) {
  return (
    <EmptyState
      icon="chat"
      title={isTemporary ? "This chat is over" : "There is no such chat"}
    >
      <p>
        {isTemporary
          ? "It was a temporary one, and was kept nowhere."
          : "It was deleted, or the address is not right."}
      </p>
      <ToNewChat />
    </EmptyState>
  );
}
