import { addressOf } from "../route.ts";
import { copyText } from "../ui/copy_text.ts";
import { Modal } from "../ui/modal.tsx";
import { toast } from "../ui/toasts.tsx";

const WAYS = [
  {
    name: "Ollama, on this machine",
    lines: "OPENAI_API_BASE_URL=http://localhost:11434/v1 \\\ndeno task start",
  },
  {
    name: "OpenAI",
    lines:
      "OPENAI_API_BASE_URL=https://api.openai.com/v1 \\\nOPENAI_API_KEY=sk-… \\\ndeno task start",
  },
];

/** How a real model is connected: two variables before the start, or one's own in this browser. */
export function ModelHint({ onClose }: { onClose(): void }) {
  async function copy(lines: string) {
    await copyText(lines);
    toast("Copied.", "success");
  }
  return (
    <Modal label="Connect a model" onClose={onClose}>
      <h2>Connect a model</h2>
      <p>
        Stop the server, and start it with one of these. Anything that speaks OpenAI's API will do.
      </p>
      {WAYS.map(({ name, lines }) => (
        <section key={name} class="way" aria-label={name}>
          <h3>{name}</h3>
          <pre tabIndex={0}><code>{lines}</code></pre>
          <button type="button" class="link" onClick={() => void copy(lines)}>
            Copy<span class="sr-only">the lines for {name}</span>
          </button>
        </section>
      ))}
      <p class="hint">
        Without a restart, for yourself alone:{" "}
        <a href={addressOf("settings")} onClick={onClose}>a model of your own</a>, asked by this
        browser.
      </p>
      <div class="buttons">
        <button type="button" class="quiet" onClick={onClose}>Close</button>
      </div>
    </Modal>
  );
}
