import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../../client/errors.ts";
import { useChat } from "../../client/react/use_chat.ts";
import { useConnection } from "../../client/react/context.ts";
import type { ChatMessage } from "../../protocol/chat.ts";
import { Composer } from "./composer.tsx";
import { moveDraft } from "./drafts.ts";
import { type AppSession, choiceOf, type Model } from "../app_session.ts";
import { MessageView } from "./message_view.tsx";
import { useValue } from "../ui/observable.ts";
import { usePageTitle } from "../ui/page_title.ts";
import { rename, route } from "../route.ts";
import { change, settings } from "../settings.ts";
import { EmptyState, ErrorState, Loading } from "../ui/states.tsx";
import { toast } from "../ui/toasts.tsx";

/** How near the end one must be to be taken along by what streams, in pixels. */
const NEAR_END = 80;
/** The place of a chat that has no id yet. */
const NEW = "new";

/** A new chat has got its id. */
function onCreated(id: string): void {
  moveDraft(NEW, id);
  // Somewhere else meanwhile: the chat goes on, the page does not jump back.
  if (route.value.place === "chat" && route.value.id === "") rename("chat", id);
}

export function ChatPage({ session, id }: { session: AppSession; id: string | undefined }) {
  const chat = useChat({ chatId: id, onCreated });
  const models = useValue(session.models);
  const { model: wanted } = useValue(settings);
  const { isOnline } = useConnection();
  const [isStopping, setStopping] = useState(false);
  const model = models.find((each) => choiceOf(each) === wanted) ?? models[0];
  const problem = useValue(session.modelProblem);
  const { messages, isStreaming } = chat;
  const scroll = useScroll(id, chat.saidHere);

  usePageTitle(chat.id ? chat.title : "");
  useEffect(() => {
    if (!isStreaming) setStopping(false);
  }, [isStreaming]);

  async function send(text: string) {
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

  function stop() {
    setStopping(true);
    chat.stop().catch((thrown) => {
      setStopping(false);
      toast(messageOf(thrown), "error");
    });
  }

  function again(message: ChatMessage, how: "regenerate" | "continueAnswer") {
    // Of two with one id, the one that is chosen, or one's own: its words are not the server's to hear.
    const same = models.filter(({ id }) => id === message.model);
    const chosen = same.find((each) => model && choiceOf(each) === choiceOf(model));
    const asked = chosen ?? same.find(({ isDirect }) => isDirect) ?? same[0] ?? model;
    if (asked) void chat[how](message.id, { model: asked });
  }

  const nameOf = (modelId: string | undefined) =>
    models.find(({ id }) => id === modelId)?.name ?? modelId ?? "Assistant";
  const isEmpty = chat.status !== "loading" && chat.status !== "error" && messages.length === 0;

  return (
    <main class={`chat ${isEmpty ? "is-empty" : ""}`} tabIndex={-1}>
      <h1 class="bar" dir="auto">{chat.id ? chat.title : "New chat"}</h1>
      <div class="scroll" ref={scroll} tabIndex={0} role="region" aria-label="Messages">
        <div class="column">
          {chat.error !== undefined
            ? <ErrorState text={chat.error} onRetry={() => void chat.reload()} />
            : chat.status === "loading"
            ? <Loading what="messages" />
            : isEmpty
            ? (
              <EmptyState icon="chat" title={`What is on your mind, ${session.me.name}?`}>
                <p>Your answer streams in here, and goes on if you leave and come back.</p>
              </EmptyState>
            )
            : messages.map((message) => (
              <MessageView
                key={message.id}
                message={message}
                modelName={nameOf(message.model)}
                isStreaming={isStreaming}
                siblings={chat.siblings(message)}
                onShow={(shown) => chat.show(shown)}
                onRegenerate={(message) => again(message, "regenerate")}
                onContinue={(message) => again(message, "continueAnswer")}
              />
            ))}
        </div>
      </div>
      <div class="dock">
        <Composer
          label="Message"
          placeholder={model ? `Ask ${model.name}` : "Ask something"}
          draftKey={chat.id ?? NEW}
          draftKeyNow={() => chat.id ?? NEW}
          isStreaming={isStreaming && !isStopping}
          isDisabled={!isOnline || isStopping || !chat.isCaughtUp}
          onSend={send}
          onStop={stop}
        >
          <ModelChoice models={models} model={model} problem={problem} />
        </Composer>
      </div>
    </main>
  );
}

interface ModelChoiceProps {
  models: readonly Model[];
  model: Model | undefined;
  /** Why models of the server are missing. */
  problem: string | undefined;
}

function ModelChoice({ models, model, problem }: ModelChoiceProps) {
  return (
    <label class="choice">
      <span class="sr-only">Model</span>
      <select
        value={model ? choiceOf(model) : ""}
        onChange={(event) => change({ model: event.currentTarget.value })}
      >
        {models.length === 0 && <option value="">No model</option>}
        {models.map((each) => (
          <option key={choiceOf(each)} value={choiceOf(each)}>{each.name}</option>
        ))}
      </select>
      {models.length === 0 && problem !== undefined && <span role="status">{problem}</span>}
    </label>
  );
}

/**
 * Stays at the end while text streams in, unless one has scrolled away from it. What one says oneself
 * brings one back; what is read again after a reconnect does not.
 */
function useScroll(chatId: string | undefined, saidHere: number) {
  const element = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    const area = element.current;
    if (!area) return;
    const onScroll = () => {
      isAtEnd.current = area.scrollHeight - area.scrollTop - area.clientHeight < NEAR_END;
    };
    area.addEventListener("scroll", onScroll, { passive: true });
    return () => area.removeEventListener("scroll", onScroll);
  }, []);
  useEffect(() => {
    isAtEnd.current = true;
  }, [chatId, saidHere]);
  useEffect(() => {
    const area = element.current;
    if (area && isAtEnd.current) area.scrollTop = area.scrollHeight;
  });
  return element;
}
