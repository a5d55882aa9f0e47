import { useRef, useState } from "preact/hooks";
import type { AppSession } from "../app_session.ts";
import { useEditedText } from "../ui/edited_text.ts";
import { asTyped, type Mentionable, withMentions } from "./channel_mentions.ts";
import { MentionBox } from "./mention_box.tsx";
import { mentionables } from "./mentionables.ts";

interface PostEditorProps {
  session: AppSession;
  content: string;
  /** Rejects when it was not taken: the text stays. */
  onSave(content: string): Promise<void>;
  onClose(): void;
}

/** One's own message, to be changed where it stands. Enter saves, Escape leaves it as it was. */
export function PostEditor({ session, content, onSave, onClose }: PostEditorProps) {
  const [before] = useState(() => asTyped(content));
  const [text, setText] = useState(before.text);
  const [isSaving, setSaving] = useState(false);
  const chosen = useRef<Mentionable[]>([]);
  const area = useEditedText(text);

  async function save() {
    const typed = text.trim();
    if (typed === "" || isSaving) return;
    if (typed === before.text) return onClose();
    setSaving(true);
    try {
      const known = [...chosen.current, ...before.mentioned, ...mentionables(session)];
      await onSave(withMentions(typed, known));
      onClose();
    } catch {
      setSaving(false);
    }
  }

  return (
    <form
      class="post-editor"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <MentionBox session={session} onPick={(picked) => chosen.current.unshift(picked)}>
        <textarea
          ref={area}
          rows={1}
          dir="auto"
          aria-label="Change the message"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") onClose();
            else if (event.key === "Enter" && !event.shiftKey) void save();
            else return;
            event.preventDefault();
            event.stopPropagation();
          }}
        />
      </MentionBox>
      <div class="buttons">
        <button type="button" class="quiet" onClick={onClose}>Cancel</button>
        <button type="submit" class="primary" disabled={text.trim() === "" || isSaving}>
          Save
        </button>
      </div>
    </form>
  );
}
