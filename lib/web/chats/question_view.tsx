import { useRef, useState } from "preact/hooks";
import { messageOf } from "../../client/errors.ts";
import type { ChatMessage } from "../../protocol/chat.ts";
import { copyText } from "../ui/copy_text.ts";
import { useEditedText } from "../ui/edited_text.ts";
import { Icon } from "../ui/icons.tsx";
import { toast } from "../ui/toasts.tsx";
import { Pictures } from "./answer_end.tsx";
import { COARSE } from "./composer.tsx";
import { draftOf, keepDraft } from "./drafts.ts";
import type { MessageActions } from "./message_actions.ts";
import { Siblings } from "./siblings.tsx";

interface QuestionViewProps {
  message: ChatMessage;
  siblings: readonly string[];
  /** `undefined`: it can only be read. */
  actions: MessageActions | undefined;
}

/** What somebody has asked; it can be asked otherwise, and both stay. */
export function QuestionView({ message, siblings, actions }: QuestionViewProps) {
  const { id, content } = message;
  const place = `edit:${id}`;
  // What was being written here, before the chat was left or the question could not be asked.
  const [draft, setDraft] = useState(() => draftOf(place) || undefined);
  const write = (text: string | undefined) => {
    setDraft(text);
    keepDraft(place, text ?? "");
  };
  const edit = useRef<HTMLButtonElement>(null);

  async function ask(text: string) {
    write(undefined);
    try {
      await actions?.edit(id, text);
    } catch (thrown) {
      // Another branch was shown meanwhile: this one is drawn anew, and finds the text.
      write(text);
      toast(messageOf(thrown), "error");
    }
  }

  if (actions && draft !== undefined) {
    return (
      <article class="message mine" aria-label="You">
        <QuestionEditor
          text={draft}
          onWrite={write}
          onAsk={(text) => void ask(text)}
          onCancel={() => {
            write(undefined);
            requestAnimationFrame(() => edit.current?.focus());
          }}
        />
      </article>
    );
  }
  return (
    <article class="message mine" aria-label="You">
      <p dir="auto">{content}</p>
      <Pictures files={message.files} />
      <footer>
        <Siblings what="question" siblings={siblings} id={id} onShow={actions?.show} />
        <span class="message-tools">
          <button
            type="button"
            class="icon-button"
            aria-label="Copy the question"
            title="Copy"
            onClick={() => void copyText(content).then(() => toast("Copied.", "success"))}
          >
            <Icon name="copy" />
          </button>
          {actions && (
            <button
              type="button"
              class="icon-button"
              ref={edit}
              aria-label="Edit the question"
              title="Edit"
              onClick={() => setDraft(content)}
            >
              <Icon name="edit" />
            </button>
          )}
        </span>
      </footer>
    </article>
  );
}

interface QuestionEditorProps {
  text: string;
  onWrite: (text: string) => void;
  onAsk: (text: string) => void;
  onCancel: () => void;
}

function QuestionEditor({ text, onWrite, onAsk, onCancel }: QuestionEditorProps) {
  const area = useEditedText(text);
  const canAsk = text.trim() !== "";
  return (
    <form
      class="question-editor"
      onSubmit={(event) => {
        event.preventDefault();
        if (canAsk) onAsk(text.trim());
      }}
    >
      <textarea
        ref={area}
        rows={1}
        dir="auto"
        aria-label="The question, asked otherwise"
        value={text}
        onInput={(event) => onWrite(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            event.preventDefault();
            onCancel();
          } else if (event.key === "Enter" && !event.shiftKey && !COARSE.matches) {
            event.preventDefault();
            event.currentTarget.form?.requestSubmit();
          }
        }}
      />
      <div class="buttons">
        <button type="button" class="quiet" onClick={onCancel}>Cancel</button>
        <button type="submit" class="primary" disabled={!canAsk}>Ask</button>
      </div>
    </form>
  );
}
