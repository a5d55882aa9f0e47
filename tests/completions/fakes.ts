import type { ChatMessage } from "../../lib/protocol/chat.ts";
import type { CompletionEvent } from "../../lib/protocol/events.ts";
import { silentLogger } from "../../lib/common/logger.ts";
import type { Dictionary, UpdateLog, ValueStore } from "../../lib/state/state_store.ts";
import type { AnswerMessages } from "../../lib/completions/answer_messages.ts";
import type { CompletionChunk, ModelProvider } from "../../lib/completions/model_provider.ts";
import { StreamRegistry, type StreamStore } from "../../lib/completions/stream_registry.ts";

/** The part of the state that streams use, in memory, which counts bytes and can be slow or away. */
export class CountingStore implements StreamStore {
  bytesWritten = 0;
  /** Each write waits for this. */
  gate: () => Promise<void> = () => Promise.resolve();
  readonly data = new Map<string, unknown>();

  async #write<T>(change: () => T, size = 0): Promise<T> {
    await this.gate();
    this.bytesWritten += size;
    return change();
  }

  #sizeOf(value: unknown): number {
    return new TextEncoder().encode(JSON.stringify(value) ?? "").length;
  }

  readonly values = {
    get: <T>(key: readonly string[]) =>
      Promise.resolve(structuredClone(this.data.get(key.join(":"))) as T | undefined),
    set: <T>(key: readonly string[], value: T) =>
      this.#write(() => void this.data.set(key.join(":"), value), this.#sizeOf(value)),
    update: <T>(key: readonly string[], change: (current: T | undefined) => T | undefined) =>
      this.#write(() => {
        const next = change(this.data.get(key.join(":")) as T | undefined);
        if (next === undefined) this.data.delete(key.join(":"));
        else this.data.set(key.join(":"), next);
        return next;
      }),
  } as unknown as ValueStore;

  dictionary<T>(key: readonly string[]): Dictionary<T> {
    const name = key.join(":");
    const map = (this.data.get(name) ?? new Map()) as Map<string, T>;
    this.data.set(name, map);
    return {
      set: (field: string, value: T) =>
        this.#write(() => void map.set(field, value), this.#sizeOf(value)),
      delete: (field: string) => this.#write(() => map.delete(field) ? 1 : 0),
      async *scan() {
        await Promise.resolve();
        yield [...map];
      },
    } as unknown as Dictionary<T>;
  }

  updateLog(key: readonly string[]): UpdateLog {
    const name = key.join(":");
    const entries = () => (this.data.get(name) ?? []) as Uint8Array[];
    return {
      append: (entry: Uint8Array) =>
        this.#write(() => this.data.set(name, [...entries(), entry]), entry.length),
      read: () => Promise.resolve(entries()),
      clear: () => this.#write(() => this.data.delete(name)),
    } as unknown as UpdateLog;
  }
}

/** Messages in memory, with the guard that the port asks for. */
export class FakeMessages implements AnswerMessages {
  readonly stored = new Map<string, Partial<ChatMessage>>();
  failures = 0;
  bytesWritten = 0;

  begin: AnswerMessages["begin"] = ({ messageId, generation }) => {
    this.stored.set(messageId, { generation, done: false });
    return Promise.resolve();
  };

  finish: AnswerMessages["finish"] = ({ messageId, generation }, end) => {
    if (this.failures > 0) {
      this.failures--;
      return Promise.reject(new Error("the store is away"));
    }
    const message = this.stored.get(messageId);
    if (message?.generation !== generation) return Promise.resolve("superseded");
    if (message.done) return Promise.resolve("ended");
    this.bytesWritten += new TextEncoder().encode(JSON.stringify(end)).length;
    this.stored.set(messageId, { ...message, ...end });
    return Promise.resolve("stored");
  };
}

export interface House extends AsyncDisposable {
  store: CountingStore;
  messages: FakeMessages;
  events: CompletionEvent[];
  streams: StreamRegistry;
  ports: ReturnType<typeof portsOf>;
}

function portsOf(streams: StreamRegistry, messages: FakeMessages, events: CompletionEvent[]) {
  const emit = (_userId: string, event: CompletionEvent) => void events.push(event);
  return { streams, messages, emit, logger: silentLogger };
}

export function openHouse(
  { store = new CountingStore(), instanceId = "one", ...options }:
    & { store?: CountingStore; instanceId?: string }
    & Partial<ConstructorParameters<typeof StreamRegistry>[0]> = {},
): House {
  const messages = new FakeMessages();
  const events: CompletionEvent[] = [];
  const streams = new StreamRegistry({
    store,
    instanceId,
    logger: silentLogger,
    log: { flushMs: 10 },
    ...options,
  });
  const ports = portsOf(streams, messages, events);
  const close = () => streams[Symbol.asyncDispose]();
  return { store, messages, events, streams, ports, [Symbol.asyncDispose]: close };
}

/** A provider that yields what `chunks` yields. */
export function providerOf(
  chunks: (signal: AbortSignal) => AsyncIterable<CompletionChunk>,
  models: string[] = ["fake"],
): ModelProvider {
  return {
    name: "fake",
    writesTitles: true,
    models: () => Promise.resolve(models.map((id) => ({ id, name: id }))),
    stream: (_request, signal) => chunks(signal),
  };
}

export const ids = { userId: "ada", chatId: "chat", messageId: "answer" };
export const request = { model: "fake", messages: [{ role: "user", content: "Hello there" }] };

export function textOfEvents(events: readonly CompletionEvent[]): string {
  return events.map(({ data }) => data.data.choices?.[0].delta.content ?? "").join("");
}
