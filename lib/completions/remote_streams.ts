import * as v from "valibot";
import type { InstanceRequests } from "../common/instance_requests.ts";
import type { ResumeAnswer } from "../protocol/events.ts";
import type { MessageOfStream } from "./stream_heads.ts";
import type { ResumeQuery } from "./stream_records.ts";
import type { StreamRegistry } from "./stream_registry.ts";

const TOPIC = "resume";
const NEWER = "newer-stream";
/** An answer from a stream's own instance is worth this wait; then the store is asked. */
const TIMEOUT_MS = 1_000;

const IdSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(512));
const QuerySchema = v.object({
  userId: IdSchema,
  chatId: IdSchema,
  messageId: v.optional(IdSchema),
  after: v.optional(v.number()),
  generation: v.optional(v.string()),
});

const NewerSchema = v.object({ chatId: IdSchema, messageId: IdSchema });

const AnswerSchema = v.looseObject({
  active: v.boolean(),
  seq: v.number(),
  content: v.string(),
  done: v.boolean(),
});

/**
 * Asks a stream's own instance for what it has; `undefined` when it does not answer soon, or
 * with something else.
 */
export async function askForStream(
  requests: InstanceRequests,
  instanceId: string,
  query: ResumeQuery,
): Promise<ResumeAnswer | undefined> {
  try {
    const answer = await requests.request(instanceId, TOPIC, query, { timeoutMs: TIMEOUT_MS });
    return v.is(AnswerSchema, answer) ? answer : undefined;
  } catch {
    return undefined;
  }
}

/** Tells an instance that its stream of the message may not be the newest; a lost word is no harm. */
export function alertOwner(
  requests: InstanceRequests,
  instanceId: string,
  which: MessageOfStream,
): void {
  requests.request(instanceId, NEWER, which, { timeoutMs: TIMEOUT_MS }).catch(() => {});
}

/** Answers other instances that ask for a stream of this one, or have begun a newer one. */
export function answerForStreams(
  requests: InstanceRequests,
  streams: Pick<StreamRegistry, "resumeHere" | "lookAgain">,
): Disposable {
  const handling = new DisposableStack();
  handling.use(requests.handle(
    TOPIC,
    (payload) => streams.resumeHere(v.parse(QuerySchema, payload)) ?? null,
  ));
  handling.use(requests.handle(NEWER, async (payload) => {
    await streams.lookAgain(v.parse(NewerSchema, payload));
    return null;
  }));
  return handling;
}
