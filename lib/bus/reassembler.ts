import type { Frame } from "./frame.ts";

export interface ReassemblerOptions {
  /** What all unfinished messages together may hold, in UTF-16 units. Default: 256 Mi. */
  maxChars?: number;
  /** How many messages may be unfinished. Default: 64. */
  maxMessages?: number;
  /** A message whose next part does not come for so long is given up. Default: 30,000. */
  timeoutMs?: number;
}

interface Unfinished {
  readonly parts: (string | undefined)[];
  missing: number;
  chars: number;
  touchedAtMs: number;
}

/** Puts messages together from their parts, within bounds of number, size and time. */
export class Reassembler implements Disposable {
  /** Messages that were given up. */
  dropped = 0;
  readonly #unfinished = new Map<string, Unfinished>();
  readonly #options: Required<ReassemblerOptions>;
  #chars = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: ReassemblerOptions = {}) {
    this.#options = {
      maxChars: 256 * 1024 * 1024,
      maxMessages: 64,
      timeoutMs: 30_000,
      ...options,
    };
  }

  get pending(): number {
    return this.#unfinished.size;
  }

  /** Takes a part; returns the whole message with the last one. */
  add({ sender, body, part }: Required<Frame>): string | undefined {
    const key = `${sender} ${part.message}`;
    const message = this.#unfinished.get(key) ?? this.#begin(key, part.count, body.length);
    if (message === undefined || part.index >= message.parts.length) return undefined;
    if (message.parts[part.index] !== undefined) return undefined;
    if (this.#chars + body.length > this.#options.maxChars) {
      this.#end(key, message);
      this.dropped++;
      return undefined;
    }
    message.parts[part.index] = body;
    message.chars += body.length;
    this.#chars += body.length;
    message.touchedAtMs = performance.now();
    if (--message.missing > 0) return undefined;
    this.#end(key, message);
    return message.parts.join("");
  }

  #begin(key: string, count: number, chars: number): Unfinished | undefined {
    const { maxMessages, maxChars } = this.#options;
    // A part in the middle says how large the whole is going to be; what will not fit is not begun.
    if (this.#unfinished.size >= maxMessages || this.#chars + (count - 1) * chars > maxChars) {
      this.dropped++;
      return undefined;
    }
    const message: Unfinished = {
      parts: new Array(count).fill(undefined),
      missing: count,
      chars: 0,
      touchedAtMs: performance.now(),
    };
    this.#unfinished.set(key, message);
    this.#timer ??= setInterval(() => this.#giveUpOld(), this.#options.timeoutMs / 4);
    return message;
  }

  #giveUpOld(): void {
    const oldest = performance.now() - this.#options.timeoutMs;
    for (const [key, message] of this.#unfinished) {
      if (message.touchedAtMs > oldest) continue;
      this.#end(key, message);
      this.dropped++;
    }
  }

  #end(key: string, message: Unfinished): void {
    this.#unfinished.delete(key);
    this.#chars -= message.chars;
    if (this.#unfinished.size === 0) this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#unfinished.clear();
    this.#chars = 0;
  }
}
