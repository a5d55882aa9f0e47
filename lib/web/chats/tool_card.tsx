import { Icon } from "../ui/icons.tsx";

/** A tool that a model asked for. */
export interface ToolCall {
  name: string;
  /** The arguments as the model wrote them: JSON as a rule, which may be broken. */
  given: string;
  /** What came back; `undefined`: nothing, or nobody knows. */
  result?: string | undefined;
}

/** A call as a card: its name and arguments at a glance, all of it when it is opened. */
export function ToolCard({ call, state }: { call: ToolCall; state: string }) {
  const { name, given, result } = call;
  return (
    <details class="tool-card" aria-label={`Tool ${name}`}>
      <summary>
        <Icon name="tool" />
        <code class="tool-name">{name}</code>
        <code class="tool-given">{given}</code>
        <span class="tool-state">{state}</span>
      </summary>
      <p class="tool-part">Arguments</p>
      <pre tabIndex={0}>{indented(given)}</pre>
      {result !== undefined && (
        <>
          <p class="tool-part">Result</p>
          <pre tabIndex={0}>{indented(result)}</pre>
        </>
      )}
    </details>
  );
}

/** JSON in lines; anything else as it is. */
function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
