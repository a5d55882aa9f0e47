import type { ChatMessage } from "../../lib/protocol/chat.ts";
import type { CompletionEvent } from "../../lib/protocol/events.ts";
import { silentLogger } from "../../lib/common/logger.ts";
import type { GenerationPorts } from "../../lib/completions/generation.ts";
import type { AnswerMessages } from "../../lib/completions/answer_messages.ts";
import type { CompletionChunk, ModelProvider } from "../../lib/completions/model_provider.ts";
import { StreamRegistry } from "../../lib/completions/stream_registry.ts";
import { FaultyStore } from "../support/faulty_store.ts";

/** Messages in memory, with the guard that the port asks for. */
export class FakeMessages implements AnswerMessages {
  readonly stored = new Map<string, Partial<ChatMessage>>();
  failures = 0;
  beginFailures = 0;
  bytesWritten = 0;

  begin: AnswerMessages["begin"] = ({ messageId, generation }) => {
    if (this.beginFailures-- > 0) return Promise.reject(new Error("the store is away"));
    this.stored.set(messageId, { generation, done: false });
    return Promise.resolve();
  };

  isCurrent = ({ messageId, generation }: { messageId: string; generation: string }) =>
    Promise.resolve(this.stored.get(messageId)?.generation === generation);

  finish: AnswerMessages["finish"] = (
    { messageId, generation },
    end,
    { isBegun } = { isBegun: true },
  ) => {
    if (this.failures > 0) {
      this.failures--;
      return Promise.reject(new Error("the store is away"));
    }
    const message = this.stored.get(messageId);
    const isWaiting = message && !isBegun && message.generation === undefined;
    if (message?.generation !== generation && !isWaiting) return Promise.resolve("superseded");
    if (message.done) return Promise.resolve("ended");
    this.bytesWritten += new TextEncoder().encode(JSON.stringify(end)).length;
    this.stored.set(messageId, { ...message, ...end });
    return Promise.resolve("stored");
  };
}

export interface Fixture extends AsyncDisposable {
  faulty: FaultyStore;
  messages: FakeMessages;
  events: CompletionEvent[];
  streams: StreamRegistry;
  ports: GenerationPorts;
}

type FixtureOptions =
  & { faulty?: FaultyStore; messages?: FakeMessages }
  & Partial<Omit<ConstructorParameters<typeof StreamRegistry>[0], "store">>;

/** Streams, messages and what is told, on a store of its own or on one that others share. */
export async function openFixture(
  { faulty: shared, messages = new FakeMessages(), ...options }: FixtureOptions = {},
): Promise<Fixture> {
  const faulty = shared ?? await FaultyStore.open();
  const events: CompletionEvent[] = [];
  const streams = new StreamRegistry({
    store: faulty.store,
    instanceId: "one",
    logger: silentLogger,
    log: { flushMs: 10 },
    isCurrent: messages.isCurrent,
    ...options,
  });
  const emit = (_userId: string, event: CompletionEvent) => void events.push(event);
  const ports = { streams, messages, emit, logger: silentLogger };
  const close = async () => {
    await streams[Symbol.asyncDispose]();
    if (!shared) await faulty[Symbol.asyncDispose]();
  };
  return { faulty, messages, events, streams, ports, [Symbol.asyncDispose]: close };
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
/** Of one of many streams. */
export const idsOf = (at: number) => ({
  ...ids,
  chatId: `chat-${at}`,
  messageId: `answer-${at}`,
});
export const request = { model: "fake", messages: [{ role: "user", content: "Hello there" }] };

export function textOfEvents(events: readonly CompletionEvent[]): string {
  return events.map(({ data }) => data.data.choices?.[0].delta.content ?? "").join("");
}
