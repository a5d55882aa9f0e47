import { pause } from "../common/pause.ts";
import { AppError } from "../common/errors.ts";
import { outcomeOf } from "../protocol/answer_outcome.ts";
import type { ChatMessage } from "../protocol/chat.ts";
import type { AnswerStreamData, ResumeAnswer } from "../protocol/events.ts";

/** A part of an answer, and the place up to which a reader has it then. */
export interface AnswerEvent {
  id: string;
  data: AnswerStreamData;
}

export interface AnswerEventsOptions {
  /** What comes after the place; without one, all there is. */
  resume(after: { after?: number; generation?: string }): Promise<ResumeAnswer>;
  /** The message as it is stored; throws `not_found` where there is none. */
  stored(): Promise<ChatMessage>;
  /** Throws when the reader may not read on. */
  check(): Promise<unknown>;
  /** Whether the reader's access may have changed since this was last asked: then it is checked. */
  isInDoubt(): boolean;
  /** Up to where the reader has it. */
  lastEventId: string | undefined;
  signal: AbortSignal;
}

/** Between two looks, in milliseconds: what came meanwhile is one event. */
const PACE_MS = 100;
/** The same while the answer's own instance does not answer. */
const LOST_PACE_MS = 2_000;
/** How long is waited for an answer that has not begun. */
const BEGIN_MS = 30_000;
/** How often something is said at the least: proxies end what is silent. */
const ALIVE_MS = 15_000;
/** How often is asked whether the reader may still read, though nothing was heard of a change. */
const CHECK_MS = 5_000;

/**
 * An answer from where its reader has it to its end, whichever instance writes it. The reader pulls:
 * who reads slowly gets more at a time, and nothing waits for them here. `undefined` says that there
 * is nothing to say, and that the reader is still read to.
 *
 * @throws {AppError} `not_found` where there is no such message, what `check` throws, and
 *   `invalid_payload` for a place that is none
 */
export async function* answerEvents(
  { resume, stored, check, isInDoubt, lastEventId, signal }: AnswerEventsOptions,
): AsyncGenerator<AnswerEvent | undefined, void, void> {
  let place = placeOf(lastEventId);
  let isLost = false;
  const begunAt = performance.now();
  let saidAt = begunAt;
  let checkedAt = begunAt;
  while (!signal.aborted) {
    const answer = await resume({
      ...(place && { after: place.seq, generation: place.generation }),
    });
    const { active: _, generation, seq, ...data } = answer;
    if (generation === undefined) {
      const message = await stored();
      const isOver = performance.now() - begunAt > BEGIN_MS;
      if (message.done || isOver) return yield storedEvent(message, place, isOver);
    } else {
      const isOther = place !== undefined && place.generation !== generation;
      const isNew = isOther || seq > (place?.seq ?? 0) || (data.lost === true) !== isLost;
      isLost = data.lost === true;
      place = { generation, seq };
      if (isNew) {
        saidAt = performance.now();
        const reset = isOther ? { reset: true as const } : {};
        yield { id: `${generation}.${seq}`, data: { generation, seq, ...data, ...reset } };
      }
      if (data.done) return;
    }
    await pause(isLost ? LOST_PACE_MS : PACE_MS, signal);
    const now = performance.now();
    if (isInDoubt() || now - checkedAt > CHECK_MS) {
      await check();
      checkedAt = now;
    }
    if (now - saidAt > ALIVE_MS) {
      saidAt = now;
      yield undefined;
    }
  }
}

interface Place {
  generation: string;
  seq: number;
}

function placeOf(id: string | undefined): Place | undefined {
  if (id === undefined || id === "") return undefined;
  const [, generation = "", seq = ""] = /^([\w-]{0,64})\.(\d{1,9})$/.exec(id) ?? [];
  if (seq === "") {
    throw new AppError("invalid_payload", "Last-Event-ID: is none of this stream's");
  }
  return { generation, seq: Number(seq) };
}

/** The whole of an answer whose stream nobody remembers. Of what was read of it, nothing is known. */
function storedEvent(
  message: ChatMessage,
  place: Place | undefined,
  isOver: boolean,
): AnswerEvent {
  const { generation = "", content, reasoning_content: reasoning, files, done } = message;
  return {
    id: `${generation}.0`,
    data: {
      ...{ generation, seq: 0, content, done: true },
      ...(reasoning !== undefined && { reasoning }),
      ...(files && { files: files as AnswerStreamData["files"] }),
      ...outcomeOf(message),
      ...(!done && isOver && { interrupted: true }),
      ...(place && { reset: true }),
    },
  };
}
