import { AppError } from "../common/errors.ts";
import { AnswerFraming, type Frame } from "./answer_framing.ts";
import { DeltaTemplate } from "./delta_template.ts";
import { LineDecoder } from "./line_decoder.ts";
import type { CompletionChunk } from "./model_provider.ts";
import { extendChunk, type ReadChunk, readChunk } from "./openai_chunk.ts";
import { errorIn, fieldsOf, shownWords, wordsOf } from "./provider_words.ts";
import { ThoughtSplitter } from "./thought_splitter.ts";

export interface AnswerReaderOptions {
  /** Takes what must not be shown out of a provider's words. Default: keys and addresses. */
  shown?: (words: string) => string;
  /** Told of each body as it was read: its own text, unless an error stands in it, and what it says. */
  onBody?: (
    body: Record<string, unknown>,
    chunk: CompletionChunk,
    text: string | undefined,
  ) => void;
  /** Whether thoughts in the text are told apart. Default: `true`. */
  splitsThoughts?: boolean;
}

/** So long a last delta that equals the whole text is no coincidence, in UTF-16 units. */
const MIN_REPEATED = 8;

/**
 * Reads one answer of a model as its bytes or lines come: decoder, framing, chunks, thoughts, without
 * a wait in between. The text arrives once and whole, however the provider bends the format.
 */
export class AnswerReader {
  readonly #decoder = new LineDecoder();
  readonly #framing = new AnswerFraming((frame) => this.#takeFrame(frame));
  readonly #thoughts = new ThoughtSplitter();
  readonly #template = new DeltaTemplate();
  readonly #options: AnswerReaderOptions;
  /** What the events of the line said: each one's own text, and the content, if it said that alone. */
  #plain: { json: string; content: string | undefined }[] = [];
  #chunk: CompletionChunk = {};
  /** The words so far, by which a message that says them again is known. */
  #said = { content: "", reasoning: "", refusal: "" };
  #hasDeltas = false;
  #hasToolCalls = false;
  readonly #pictures = new Set<string>();
  #hasFrames = false;
  #words = 0;
  #finishReason: string | undefined;
  #isDone = false;
  #failure: AppError | undefined;

  constructor(options: AnswerReaderOptions = {}) {
    this.#options = options;
  }

  /** Why the answer can't go on: to be thrown after what was read before it. */
  get failure(): AppError | undefined {
    return this.#failure;
  }

  /** The provider has said that nothing follows. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** The provider has said how the answer ended: only usage may follow. */
  get isFinished(): boolean {
    return this.#finishReason !== undefined;
  }

  /** Something was said: words, a thought, a picture, a call. */
  get isBegun(): boolean {
    return this.#words > 0;
  }

  /** How many bodies have said something. */
  get words(): number {
    return this.#words;
  }

  /** Takes the next bytes, or a line, and returns what they bring, as one chunk. */
  push(piece: Uint8Array | string): CompletionChunk | undefined {
    try {
      const lines = typeof piece === "string" ? piece.split("\n") : this.#decoder.feed(piece);
      for (const line of lines) {
        if (this.#isDone || this.#failure) break;
        this.#takeLine(line);
      }
    } catch (thrown) {
      this.#fail(thrown);
    }
    return this.#taken();
  }

  /**
   * Takes what was held back, when the body has ended, or has `broken` off: then `failure` says so,
   * unless the answer was whole.
   */
  end(broken?: AppError): CompletionChunk | undefined {
    try {
      if (!this.#isDone && !this.#failure) {
        for (const line of this.#decoder.end()) this.#framing.line(line);
        this.#framing.end();
      }
    } catch (thrown) {
      this.#fail(thrown);
    }
    this.#addSplit(this.#thoughts.end());
    if (!this.#isDone && !this.isFinished) this.#failure ??= broken ?? this.#brokenOff();
    return this.#taken();
  }

  #takeLine(line: string): void {
    // As a rule an event says another word, and nothing else.
    const mayBePlain = line !== "" && this.#framing.isBetween && !this.#options.onBody;
    const content = mayBePlain ? this.#template.contentOf(line) : undefined;
    if (content !== undefined) {
      this.#framing.passOver();
      this.#hasFrames = this.#hasDeltas = true;
      this.#said.content += content;
      this.#takeContent(content);
      this.#words++;
      return;
    }
    this.#plain = [];
    this.#framing.line(line);
    const [plain, ...more] = this.#plain;
    if (
      plain?.content !== undefined && mayBePlain && more.length === 0 && this.#framing.isBetween
    ) {
      this.#template.learn(line, plain.json, plain.content);
    }
  }

  #brokenOff(): AppError | undefined {
    const { unread } = this.#framing;
    if (unread !== "") {
      const isPage = unread.startsWith("<");
      const words = wordsOf(unread);
      return new AppError(
        "provider_error",
        `The model provider answered with ${
          isPage ? "a page, not a stream" : "what is no answer"
        }` +
          (words === undefined ? "." : `: ${this.#shown(words)}`),
      );
    }
    if (this.isBegun) {
      return new AppError("stream_broken", "The model provider ended the answer in the middle.");
    }
    const words = "The model provider ended the stream without an answer.";
    return new AppError(this.#hasFrames ? "empty_answer" : "stream_broken", words);
  }

  #takeFrame(frame: Frame): void {
    if (this.#failure || this.#isDone) return;
    if (frame.kind === "done") {
      this.#isDone = true;
      return;
    }
    if (frame.kind === "broken") {
      throw new AppError("stream_broken", "The model provider sent a chunk that is no JSON.");
    }
    const { value, text, isError } = frame;
    const words = errorIn(value) ?? (isError ? wordsOf(value) ?? "no reason given" : undefined);
    this.#hasFrames = true;
    if (Array.isArray(value) && words === undefined) {
      for (const each of value) {
        this.#takeFrame({ ...frame, value: each, text: JSON.stringify(each) });
      }
      return;
    }
    const body = fieldsOf(value);
    // What came beside an error was said, too; its own text may hold what must not be shown.
    if (body) this.#takeBody(body, words === undefined ? text : undefined);
    if (words !== undefined) {
      throw new AppError(
        "provider_error",
        `The model provider reports an error: ${this.#shown(words)}`,
      );
    }
  }

  #takeBody(body: Record<string, unknown>, text: string | undefined): void {
    const read = readChunk(body);
    const chunk = this.#unsaid(read, body["object"] === "chat.completion");
    this.#options.onBody?.(body, chunk, text);
    const { content, reasoning, finishReason, ...rest } = chunk;
    const isPlain = content === read.content && !read.isWhole && Object.keys(chunk).length === 1;
    this.#plain.push({ json: text ?? "", content: isPlain ? content : undefined });
    if (finishReason !== undefined) {
      // Some say `stop` after the reason that counts, once more.
      if (finishReason !== "stop") this.#finishReason = finishReason;
      this.#finishReason ??= finishReason;
      this.#add({ finishReason: this.#finishReason });
    } else if (read.isWhole && body["object"] === "chat.completion") {
      this.#finishReason ??= "stop";
    }
    if (reasoning !== undefined) {
      this.#thoughts.noteThought();
      this.#add({ reasoning });
    }
    if (Object.keys(rest).length > 0) this.#add(rest);
    if (content !== undefined) this.#takeContent(content);
    if (content ?? reasoning ?? chunk.refusal ?? chunk.files ?? chunk.toolCalls) {
      this.#words++;
    }
  }

  #takeContent(content: string): void {
    if (this.#options.splitsThoughts === false) this.#add({ content });
    else this.#addSplit(this.#thoughts.push(content));
  }

  /** The chunk without what was said before it. */
  #unsaid({ isWhole, ...chunk }: ReadChunk, isAnswer: boolean): CompletionChunk {
    const mayRepeat = isWhole
      ? isAnswer || this.#hasDeltas || this.#saysAgain(chunk)
      : chunk.finishReason !== undefined && this.#repeatsAll(chunk);
    const { files, ...unsaid } = chunk;
    for (const name of ["content", "reasoning", "refusal"] as const) {
      const text = chunk[name];
      if (text === undefined) continue;
      const rest = mayRepeat ? restOf(text, this.#said[name]) : text;
      if (rest === "") delete unsaid[name];
      else unsaid[name] = rest;
      this.#said[name] += rest;
    }
    if (mayRepeat && this.#hasToolCalls) delete unsaid.toolCalls;
    if (!isWhole) this.#hasDeltas ||= Boolean(chunk.content ?? chunk.reasoning);
    this.#hasToolCalls ||= unsaid.toolCalls !== undefined;
    const fresh = files?.filter(({ url }) => !this.#pictures.has(url)) ?? [];
    for (const { url } of fresh) this.#pictures.add(url);
    return fresh.length > 0 ? { ...unsaid, files: fresh } : unsaid;
  }

  /** Of servers whose every chunk carries a message: whether it is the text so far, and more. */
  #saysAgain({ content = "", finishReason }: CompletionChunk): boolean {
    const { content: said } = this.#said;
    if (said === "") return false;
    if (content.length > said.length) return content.startsWith(said);
    return finishReason !== undefined && bare(content) === bare(said);
  }

  /** A last delta that is the whole text again; a word may well be said twice. */
  #repeatsAll({ content = "" }: CompletionChunk): boolean {
    return content.length >= MIN_REPEATED && bare(content) === bare(this.#said.content);
  }

  #addSplit({ content, reasoning, wasReasoning }: ReturnType<ThoughtSplitter["push"]>): void {
    if (wasReasoning) this.#add({ wasReasoning: true });
    if (reasoning !== "") {
      this.#said.reasoning += reasoning;
      this.#add({ reasoning });
    }
    if (content !== "") this.#add({ content });
  }

  #add(chunk: CompletionChunk): void {
    extendChunk(this.#chunk, chunk);
  }

  #taken(): CompletionChunk | undefined {
    const chunk = this.#chunk;
    this.#chunk = {};
    return Object.keys(chunk).length > 0 ? chunk : undefined;
  }

  #fail(thrown: unknown): void {
    if (!(thrown instanceof AppError)) throw thrown;
    this.#failure ??= thrown;
  }

  #shown(words: string): string {
    return (this.#options.shown ?? shownWords)(words);
  }
}

const bare = (text: string) => text.replace(/\s+/g, "");

/** What of the text goes beyond what was said; nothing when it is the same but for its whitespace. */
function restOf(text: string, said: string): string {
  if (said === "") return text;
  if (text.startsWith(said)) return text.slice(said.length);
  const [given, known] = [bare(text), bare(said)];
  if (!given.startsWith(known) || given === known) return "";
  // The rest begins where as many letters have passed as were said.
  let letters = 0;
  for (let at = 0; at < text.length; at++) {
    if (letters === known.length) return text.slice(at);
    if (/\S/.test(text[at] ?? "")) letters++;
  }
  return "";
}

/** Bytes of a body, or lines of a browser, and whether it was the one who asked that ended them. */
export interface AnswerSource {
  pieces: AsyncIterable<Uint8Array | string> | Iterable<string>;
  /** What of the failure to read is told; what it returns is thrown when the answer is not whole. */
  failure?: (thrown: unknown) => unknown;
  isStopped?: () => boolean;
}

/** The chunks of an answer; throws when it is not whole, after all that came. */
export async function* readAnswer(
  reader: AnswerReader,
  { pieces, failure = (thrown) => thrown, isStopped = () => false }: AnswerSource,
): AsyncGenerator<CompletionChunk> {
  let broken: unknown;
  try {
    for await (const piece of pieces) {
      const chunk = reader.push(piece);
      if (chunk) yield chunk;
      if (reader.failure || reader.isDone) break;
    }
  } catch (thrown) {
    broken = failure(thrown);
    if (isStopped() || !(broken instanceof AppError)) throw broken;
  }
  const rest = reader.end(broken instanceof AppError ? broken : undefined);
  if (rest) yield rest;
  if (reader.failure) throw reader.failure;
}
