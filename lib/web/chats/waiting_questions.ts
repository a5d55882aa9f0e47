import { useEffect, useRef, useState } from "preact/hooks";
import { newId } from "../../client/new_id.ts";
import { readPersonal, writePersonal } from "../personal.ts";

/** A question that waits until the answers before it have ended. */
export interface WaitingQuestion {
  id: string;
  text: string;
}

const keyOf = (place: string): string => `waiting:${place}`;

/** What waits in a chat, in this tab; a reload does not lose it. */
export function waitingAt(place: string): readonly WaitingQuestion[] {
  try {
    return JSON.parse(readPersonal(sessionStorage, keyOf(place)) ?? "[]");
  } catch {
    return [];
  }
}

function keepWaiting(place: string, questions: readonly WaitingQuestion[]): void {
  try {
    const text = questions.length > 0 ? JSON.stringify(questions) : undefined;
    writePersonal(sessionStorage, keyOf(place), text);
  } catch {
    // The browser keeps a few megabytes: beyond, they wait on the page only.
  }
}

/** The chat has got another name: what waits there moves along. */
export function moveWaiting(from: string, to: string): void {
  const questions = waitingAt(from);
  if (questions.length === 0) return;
  keepWaiting(from, []);
  keepWaiting(to, questions);
}

export interface WaitingQuestions {
  questions: readonly WaitingQuestion[];
  /** They wait for the person, not for an answer: the last one was stopped, or could not be asked. */
  isHeld: boolean;
  add(text: string): void;
  remove(id: string): void;
  /** Asks the first of them now. */
  release(): void;
}

interface Turn {
  /** Nothing is being answered, and one may ask. */
  isFree: boolean;
  /** The last answer ended in a way that somebody has to look at. */
  isTroubled: boolean;
  /** Rejects when it could not be asked; it says so itself. */
  ask(text: string): Promise<void>;
}

/** What was typed while an answer streamed: asked one after the other, each when its turn comes. */
export function useWaitingQuestions(place: string, turn: Turn): WaitingQuestions {
  const kept = useRef({ place, questions: waitingAt(place) });
  if (kept.current.place !== place) kept.current = { place, questions: waitingAt(place) };
  const { questions } = kept.current;
  const [, draw] = useState(0);
  const [hold, setHold] = useState<"released" | "failed">();
  const [isAsking, setAsking] = useState(false);
  useEffect(() => setHold(undefined), [place]);

  /** The chat may have been left meanwhile: then it finds them when one comes back. */
  function change(
    at: string,
    changed: (before: readonly WaitingQuestion[]) => readonly WaitingQuestion[],
  ) {
    const isHere = kept.current.place === at;
    const next = changed(isHere ? kept.current.questions : waitingAt(at));
    if (isHere) kept.current = { place: at, questions: next };
    keepWaiting(at, next);
    draw((count) => count + 1);
  }

  const isHeld = hold === "failed" || (hold !== "released" && turn.isTroubled);
  const [first] = questions;
  useEffect(() => {
    if (!first || !turn.isFree || isHeld || isAsking) return;
    setAsking(true);
    setHold(undefined);
    change(place, (before) => before.filter(({ id }) => id !== first.id));
    turn.ask(first.text).catch(() => {
      setHold("failed");
      change(place, (before) => [first, ...before]);
    }).finally(() => setAsking(false));
  }, [first, turn.isFree, isHeld, isAsking]);

  return {
    questions,
    isHeld: isHeld && turn.isFree && questions.length > 0,
    add: (text) => change(place, (before) => [...before, { id: newId(), text }]),
    remove: (id) => change(place, (before) => before.filter((question) => question.id !== id)),
    release: () => setHold("released"),
  };
}
