import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { messageOf } from "../../client/errors.ts";
import { type UseChat, useChat } from "../../client/react/use_chat.ts";
import { useConnection } from "../../client/react/context.ts";
import type { ChatMessage } from "../../protocol/chat.ts";
import { isTroubled } from "./answer_end.tsx";
import { ChatBar, ChatDeleted, NoSuchChat } from "./chat_bar.tsx";
import { modelOfChat, modelOfId } from "./chat_models.ts";
import { Composer } from "./composer.tsx";
import { moveDraft } from "./drafts.ts";
import { type AppSession, choiceOf, type Model } from "../app_session.ts";
import { useLazyDialog } from "./lazy_dialog.tsx";
import { MessageList } from "./message_list.tsx";
import type { MessageActions } from "./message_actions.ts";
import { ModelChoice } from "./model_choice.tsx";
import { Icon } from "../ui/icons.tsx";
import { useValue } from "../ui/observable.ts";
import { usePageTitle } from "../ui/page_title.ts";
import { rename, route } from "../route.ts";
import { change, settings } from "../settings.ts";
import { EmptyState, ErrorState, Loading } from "../ui/states.tsx";
import { toast } from "../ui/toasts.tsx";
import { useScroll } from "../ui/use_scroll.ts";
import { useShownBranch } from "./shown_branch.ts";
import { WaitingList } from "./waiting_list.tsx";
import { moveWaiting, useWaitingQuestions } from "./waiting_questions.ts";

/** The place of a chat that has no id yet. */
const NEW = "new";

/** A new chat has got its id. */
function onCreated(id: string): void {
  moveDraft(NEW, id);
  moveWaiting(NEW, id);
  // Somewhere else meanwhile: the chat goes on, the page does not jump back.
  if (route.value.place === "chat" && route.value.id === "") rename("chat", id);
}

const loadPicker = async () => (await import("./model_picker.tsx")).ModelPicker;

export function ChatPage({ session, id }: { session: AppSession; id: string | undefined }) {
  const [isTemporary, setTemporary] = useState(false);
  const chat = useChat({ chatId: id, isTemporary, onCreated });
  const models = useValue(session.models);
  const { model: chosen } = useValue(settings);
  const { isOnline } = useConnection();
  const [isStopping, setStopping] = useState(false);
  const model = modelOfChat(models, chat.setup.models, chosen);
  const problem = useValue(session.modelProblem);
  const areModelsKnown = useValue(session.areModelsKnown);
  const [picker, openPicker] = useLazyDialog(loadPicker);
  const { messages, isStreaming } = chat;
  const scroll = useScroll(`${id ?? ""}/${chat.saidHere}`);
  const last = messages.at(-1);
  const place = chat.id ?? NEW;

  usePageTitle(chat.id ? chat.title : "");
  useEffect(() => {
    if (!isStreaming) setStopping(false);
  }, [isStreaming]);
  useEffect(() => {
    if (id === undefined) setTemporary(false);
  }, [id]);

  async function ask(text: string) {
    if (!model) {
      void session.reloadModels();
      toast(["There is no model to ask.", problem].filter(Boolean).join(" "), "error");
      throw new Error("no model");
    }
    try {
      await chat.ask(text, { model });
    } catch (thrown) {
      toast(messageOf(thrown), "error");
      throw thrown;
    }
  }

  const canAsk = isOnline && !isStopping && chat.isCaughtUp;
  const waiting = useWaitingQuestions(place, {
    isFree: canAsk && chat.status === "ready" && model !== undefined,
    isTroubled: last?.role === "assistant" && isTroubled(last),
    ask,
  });

  /** What is said while something is answered, or waits, waits behind it. */
  async function send(text: string) {
    if (!isStreaming && waiting.questions.length === 0) return await ask(text);
    waiting.add(text);
    if (!isStreaming) waiting.release();
  }

  function stop() {
    setStopping(true);
    chat.stop().catch((thrown) => {
      setStopping(false);
      toast(messageOf(thrown), "error");
    });
  }
  useEscape(isStreaming && !isStopping, stop);

  function choose(picked: Model) {
    change({ model: choiceOf(picked) });
    chat.configure({ models: [picked.id] }).catch((thrown) => toast(messageOf(thrown), "error"));
  }

  const show = useShownBranch(chat);
  const actions = useActions(
    { chat, show, model, modelOf: (id) => modelOfId(models, id, chosen) },
    {
      pick: (current, onPick) =>
        openPicker({
          ...{ session, title: "Ask another model", onPick },
          chosen: current && choiceOf(current),
        }),
    },
  );
  const nameOf = (modelId: string | undefined) =>
    models.find(({ id }) => id === modelId)?.name ?? modelId ?? "Assistant";
  const isEmpty = chat.status === "ready" && messages.length === 0;

  return (
    <main class={`chat ${isEmpty ? "is-empty" : ""}`} tabIndex={-1}>
      <ChatBar meId={session.me.id} chat={chat} nameOf={nameOf} onTemporary={setTemporary} />
      <div class="scroll" ref={scroll.area} tabIndex={0} role="region" aria-label="Messages">
        <div class="column">
          {chat.isGone
            ? messages.length === 0 && <NoSuchChat isTemporary={chat.isTemporary} />
            : chat.error !== undefined
            ? <ErrorState text={chat.error} onRetry={() => void chat.reload()} />
            : chat.status === "loading"
            ? <Loading what="messages" />
            : isEmpty && <Welcome name={session.me.name} isTemporary={chat.isTemporary} />}
          {(chat.error === undefined || chat.isGone) && (
            <MessageList
              messages={messages}
              isStreaming={isStreaming}
              nameOf={nameOf}
              siblingsOf={chat.siblings}
              actions={chat.isGone ? undefined : actions}
            />
          )}
        </div>
      </div>
      {chat.isGone && messages.length > 0 && <ChatDeleted />}
      {!chat.isGone && (
        <div class="dock">
          {scroll.isAway && (
            <button
              type="button"
              class="jump"
              aria-label="To the newest message"
              title="To the newest message"
              onClick={scroll.toEnd}
            >
              <Icon name="down" />
            </button>
          )}
          <WaitingList waiting={waiting} />
          <Composer
            label="Message"
            placeholder={model ? `Ask ${model.name}` : "Ask something"}
            draftKey={place}
            draftKeyNow={() => chat.id ?? NEW}
            isStreaming={isStreaming && !isStopping}
            isDisabled={!canAsk}
            onSend={send}
            onStop={stop}
          >
            <ModelChoice
              model={model}
              isKnown={areModelsKnown}
              problem={problem}
              onOpen={() =>
                openPicker({
                  ...{ session, title: "Choose a model", onPick: choose },
                  chosen: model && choiceOf(model),
                })}
            />
          </Composer>
        </div>
      )}
      {picker}
    </main>
  );
}

function Welcome({ name, isTemporary }: { name: string; isTemporary: boolean }) {
  return isTemporary
    ? (
      <EmptyState icon="temporary" title="A temporary chat">
        <p>It is kept nowhere: once you leave it, or load the page again, it is gone.</p>
      </EmptyState>
    )
    : (
      <EmptyState icon="chat" title={`What is on your mind, ${name}?`}>
        <p>Your answer streams in here, and goes on if you leave and come back.</p>
      </EmptyState>
    );
}

/** Escape does this, unless it closes something. */
function useEscape(isWanted: boolean, act: () => void): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    if (!isWanted) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
      if (!document.querySelector("dialog[open], .menu-open")) latest.current();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [isWanted]);
}

interface Asked {
  chat: UseChat;
  show: (messageId: string) => void;
  /** Whom the next question goes to. */
  model: Model | undefined;
  modelOf: (id: string | undefined) => Model | undefined;
}

interface Picking {
  pick(current: Model | undefined, onPick: (model: Model) => void): void;
}

/** What one can do with messages, which are not drawn again for what is new around them. */
function useActions(asked: Asked, picking: Picking): MessageActions {
  const latest = useRef({ ...asked, ...picking });
  latest.current = { ...asked, ...picking };
  return useMemo(() => {
    /** A second click is not a second question. */
    const asking = new Set<string>();
    const again = (answer: ChatMessage, how: "regenerate" | "continueAnswer") => {
      const { chat, model, modelOf } = latest.current;
      const asked = modelOf(answer.model) ?? model;
      if (!asked || asking.has(answer.id)) return;
      asking.add(answer.id);
      void chat[how](answer.id, { model: asked }).finally(() => asking.delete(answer.id));
    };
    return {
      show: (id) => latest.current.show(id),
      regenerate: (answer) => again(answer, "regenerate"),
      continueAnswer: (answer) => again(answer, "continueAnswer"),
      regenerateWith(answer) {
        const { chat, modelOf, pick } = latest.current;
        pick(modelOf(answer.model), (model) => void chat.regenerate(answer.id, { model }));
      },
      async edit(id, text) {
        const { chat, model } = latest.current;
        await chat.edit(id, text, { model });
      },
    };
  }, []);
}
