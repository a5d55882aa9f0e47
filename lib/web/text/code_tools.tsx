import { render } from "preact";
import { useRef, useState } from "preact/hooks";
import { messageOf } from "../../client/errors.ts";
import type { PythonResult } from "../../protocol/chat_events.ts";
import { python } from "../chats/chat_hooks.ts";
import { languageId, languageName } from "./code_languages.ts";
import { colourCode } from "./colour_code.ts";
import { copyText } from "../ui/copy_text.ts";

/** What is said of a piece of code that was asked to run. */
type Run = "running" | PythonResult | { error: string };

/** Puts the tools beside a block of code, not into it: what scrolls must not take them along. */
export function addCodeTools(block: HTMLElement): void {
  const frame = document.createElement("div");
  frame.className = "code";
  const tools = document.createElement("div");
  block.replaceWith(frame);
  frame.append(block, tools);
  const code = block.querySelector("code");
  const [, fence = ""] = /(?:^| )language-(\S+)/.exec(code?.className ?? "") ?? [];
  render(<CodeTools code={block.textContent ?? ""} fence={fence} />, tools);
  if (code && fence !== "") colourCode(code, fence);
}

function CodeTools({ code, fence }: { code: string; fence: string }) {
  const isPython = languageId(fence) === "python";
  const [copied, setCopied] = useState("Copy");
  const [run, setRun] = useState<Run>();
  async function copy() {
    try {
      await copyText(code);
      setCopied("Copied");
    } catch {
      setCopied("Not allowed");
    }
    setTimeout(() => setCopied("Copy"), 1_500);
  }
  const running = useRef<AbortController>(undefined);
  async function runHere() {
    setRun("running");
    running.current = new AbortController();
    try {
      setRun(await python.run(code, { signal: running.current.signal }));
    } catch (thrown) {
      setRun({ error: messageOf(thrown) });
    }
  }
  return (
    <>
      <div class="code-tools">
        {fence !== "" && <span class="code-language">{languageName(fence)}</span>}
        {isPython && run === "running" && (
          <button
            type="button"
            class="stop"
            onClick={() => running.current?.abort()}
          >
            Stop the code
          </button>
        )}
        {isPython && run !== "running" && (
          <button type="button" onClick={() => void runHere()}>Run</button>
        )}
        <button type="button" aria-label="Copy code" onClick={() => void copy()}>{copied}</button>
      </div>
      {run && <Output run={run} />}
    </>
  );
}

function Output({ run }: { run: Run }) {
  if (run === "running") return <p class="code-output hint" role="status">Running…</p>;
  if ("error" in run) return <p class="code-output error" role="alert">{run.error}</p>;
  const { stdout, stderr, result, files } = run;
  const isSilent = stdout === "" && stderr === "" && result === null && files.length === 0;
  return (
    <div class="code-output" role="status">
      {isSilent && <p class="hint">Done, without any output.</p>}
      {stdout !== "" && <pre>{stdout}</pre>}
      {result !== null && <pre>{result}</pre>}
      {stderr !== "" && <pre class="error">{stderr}</pre>}
      {files.map(({ name, type, url }) =>
        type.startsWith("image/")
          ? <img key={name} src={url} alt={name} />
          : <a key={name} href={url} download={name}>{name}</a>
      )}
    </div>
  );
}
