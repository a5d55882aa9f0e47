import type { ToolCall } from "../protocol/answer_outcome.ts";
import { fieldsOf } from "./provider_words.ts";

/** Calls of one answer; more are left out. */
const MAX_CALLS = 128;

interface OpenCall extends ToolCall {
  index: unknown;
}

/** Calls of tools, put together from their deltas. */
export class ToolCalls {
  readonly #calls: OpenCall[] = [];

  /** The calls so far, each whole; `undefined` when there are none. */
  whole(): ToolCall[] | undefined {
    if (this.#calls.length === 0) return undefined;
    return this.#calls.map(({ index: _, ...call }) => call);
  }

  /** Takes a delta of each call, in OpenAI's shape; what is none is left out. */
  push(deltas: readonly unknown[]): void {
    for (const value of deltas) {
      const delta = fieldsOf(value);
      const said = delta && (fieldsOf(delta["function"]) ?? delta);
      if (!said) continue;
      const id = typeof delta["id"] === "string" && delta["id"] !== "" ? delta["id"] : undefined;
      const name = typeof said["name"] === "string" ? said["name"] : "";
      const call = this.#open(delta["index"], id, name);
      if (!call) continue;
      if (id !== undefined) call.id = id;
      call.function.name = withName(call, name);
      const given = said["arguments"];
      if (typeof given === "string") call.function.arguments += given;
      else if (given !== undefined && given !== null) {
        call.function.arguments = JSON.stringify(given);
      }
    }
  }

  /** The call that the delta goes on with; a new one where it begins one. */
  #open(index: unknown, id: string | undefined, name: string): OpenCall | undefined {
    // Some number every call 0, or none: then another id and a name begin the next.
    const known = typeof index === "number"
      ? this.#calls.findLast((call) => call.index === index)
      : id !== undefined
      ? this.#calls.find((call) => call.id === id)
      : name === ""
      ? this.#calls.at(-1)
      : undefined;
    const isOther = known?.id !== undefined && id !== undefined && known.id !== id && name !== "";
    if (known && !isOther) return known;
    if (this.#calls.length >= MAX_CALLS) return undefined;
    const call: OpenCall = { index, type: "function", function: { name: "", arguments: "" } };
    this.#calls.push(call);
    return call;
  }
}

/** Some send a name in pieces, before the arguments; some say it again in every delta. */
function withName({ function: { name: known, arguments: given } }: ToolCall, name: string): string {
  if (name.startsWith(known)) return name;
  return given === "" && !known.endsWith(name) ? known + name : known;
}
