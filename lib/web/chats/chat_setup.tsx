import { useState } from "preact/hooks";
import { messageOf } from "../../client/errors.ts";
import type { UseChat } from "../../client/react/use_chat.ts";
import { Modal } from "../ui/modal.tsx";
import { toast } from "../ui/toasts.tsx";
import { asJson, asMarkdown, download, fileNameOf } from "./chat_export.ts";
import type { DialogProps } from "./lazy_dialog.tsx";

export interface ChatSetupProps {
  chat: UseChat;
  nameOf: (modelId: string | undefined) => string;
}

interface Parameter {
  name: string;
  label: string;
  hint: string;
  min: number;
  max: number;
  step: number;
}

const PARAMETERS: Parameter[] = [
  { name: "temperature", label: "Temperature", hint: "0 to 2", min: 0, max: 2, step: 0.05 },
  { name: "top_p", label: "Top P", hint: "0 to 1", min: 0, max: 1, step: 0.01 },
  { name: "max_tokens", label: "Longest answer", hint: "tokens", min: 1, max: 1e6, step: 1 },
  {
    ...{ name: "frequency_penalty", label: "Frequency penalty" },
    ...{ hint: "-2 to 2", min: -2, max: 2, step: 0.05 },
  },
  {
    ...{ name: "presence_penalty", label: "Presence penalty" },
    ...{ hint: "-2 to 2", min: -2, max: 2, step: 0.05 },
  },
  { name: "seed", label: "Seed", hint: "a whole number", min: 0, max: 2 ** 31, step: 1 },
];

/** What a chat is asked with, the same on all devices; and the chat as a file. */
export function ChatSetupDialog({ chat, nameOf, onClose }: ChatSetupProps & DialogProps) {
  const { params } = chat.setup;
  const [isSaving, setSaving] = useState(false);

  async function save(form: HTMLFormElement) {
    setSaving(true);
    try {
      await chat.configure({ params: readParams(new FormData(form), params) });
      onClose();
    } catch (thrown) {
      toast(messageOf(thrown), "error");
      setSaving(false);
    }
  }

  return (
    <Modal label="Settings of this chat" class="chat-setup" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save(event.currentTarget);
        }}
      >
        <h2>Settings of this chat</h2>
        <label>
          System prompt
          <textarea
            name="system"
            rows={4}
            dir="auto"
            placeholder="What the model is told before all else"
            defaultValue={typeof params.system === "string" ? params.system : ""}
          />
        </label>
        <fieldset>
          <legend>Parameters</legend>
          <p class="hint">What is empty is left to the model.</p>
          <div class="parameters">
            {PARAMETERS.map(({ name, label, hint, min, max, step }) => (
              <label key={name}>
                {label}
                <input
                  type="number"
                  inputMode="decimal"
                  placeholder={hint}
                  defaultValue={typeof params[name] === "number" ? String(params[name]) : ""}
                  {...{ name, min, max, step }}
                />
              </label>
            ))}
          </div>
          <label>
            Stop at
            <input
              name="stop"
              placeholder="Words, separated by commas"
              defaultValue={Array.isArray(params.stop) ? params.stop.join(", ") : ""}
            />
          </label>
        </fieldset>
        {chat.messages.length > 0 && <Export chat={chat} nameOf={nameOf} />}
        <div class="buttons">
          <button type="button" class="quiet" onClick={onClose}>Cancel</button>
          {!chat.isGone && <button type="submit" class="primary" disabled={isSaving}>Save</button>}
        </div>
      </form>
    </Modal>
  );
}

function Export({ chat, nameOf }: ChatSetupProps) {
  const { title, messages } = chat;
  return (
    <fieldset>
      <legend>Export</legend>
      <div class="buttons">
        <button
          type="button"
          class="quiet"
          onClick={() =>
            download(
              fileNameOf(title, "md"),
              asMarkdown({ title, messages, nameOf }),
              "text/markdown",
            )}
        >
          Markdown
        </button>
        <button
          type="button"
          class="quiet"
          onClick={() =>
            download(
              fileNameOf(title, "json"),
              asJson(chat),
              "application/json",
            )}
        >
          JSON
        </button>
      </div>
    </fieldset>
  );
}

/** What the form says; what it does not ask for stays as it is. */
function readParams(
  form: FormData,
  before: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const text = (name: string) => String(form.get(name) ?? "").trim();
  const params: Record<string, unknown> = { ...before };
  const set = (name: string, value: unknown) => {
    if (value === undefined) delete params[name];
    else params[name] = value;
  };
  set("system", text("system") || undefined);
  for (const { name } of PARAMETERS) {
    set(name, text(name) === "" ? undefined : Number(text(name)));
  }
  const stops = text("stop").split(",").map((word) => word.trim()).filter((word) => word !== "");
  set("stop", stops.length > 0 ? stops : undefined);
  return params;
}
