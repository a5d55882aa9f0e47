import process from "node:process";

/** A look is this part of the limit after the last one. */
const LOOKS = 8;
/** However little of its processor the process gets: after so many times the limit it is over. */
const MOST_TIMES = 6;

/** What all threads of this process have computed so far, in milliseconds. */
function computedMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/**
 * Tells when another thread has computed for so long without a step. The thread can't be asked, so it
 * is what passes, as long as the process computes at all: where a busy machine gives it little of its
 * processor, which is nobody's fault, it is what the process has computed.
 */
export class ComputingLimit implements Disposable {
  readonly #limitMs: number;
  readonly #onOver: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #computedMs: () => number;
  #hasStepped = false;
  #sinceMs = performance.now();
  #before: number;

  /** `computed`: what has been computed so far, in milliseconds. Default: by all of this process. */
  constructor(limitMs: number, onOver: () => void, computed: () => number = computedMs) {
    this.#limitMs = limitMs;
    this.#onOver = onOver;
    this.#computedMs = computed;
    this.#before = computed();
    this.#timer = setInterval(() => this.#look(), limitMs / LOOKS);
  }

  /** A step has been made: its time begins anew. */
  step(): void {
    this.#hasStepped = true;
  }

  #look(): void {
    const nowMs = performance.now();
    if (this.#hasStepped) {
      this.#hasStepped = false;
      this.#sinceMs = nowMs;
      this.#before = this.#computedMs();
      return;
    }
    const passedMs = nowMs - this.#sinceMs;
    if (passedMs < this.#limitMs) return;
    const isOver = passedMs >= MOST_TIMES * this.#limitMs ||
      this.#computedMs() - this.#before >= this.#limitMs;
    if (isOver) this.#onOver();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
