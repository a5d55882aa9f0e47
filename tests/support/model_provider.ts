/** What the stand-in does with one request. */
export interface Script {
  /** The deltas of the answer. Default: three words. */
  tokens?: readonly string[];
  /** Deltas of reasoning, before the answer. */
  reasoning?: readonly string[];
  /** Between two writes, in milliseconds. Default: 0. */
  paceMs?: number;
  /** How many deltas are written together. Default: 1. */
  tokensPerWrite?: number;
  /** Nothing comes after the tokens before this resolves. */
  endsAfter?: Promise<unknown>;
  /** Sent with a chunk of its own before the end. */
  usage?: Record<string, unknown>;
  /** Lines written as they are after the tokens: what no honest provider would send. */
  garbage?: string;
  /**
   * How it ends. `done`: finish_reason and `[DONE]`; `no_done`: finish_reason only; `half`: a clean
   * close after the tokens; `hang`: silence; `error`: an `error` object; `reset`: a broken
   * connection. Default: `done`.
   */
  end?: "done" | "no_done" | "half" | "hang" | "error" | "reset";
  /** Anything but 200: `body` is answered instead of a stream. */
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** Never answers at all. */
  isSilent?: boolean;
  /** Before the head is sent, in milliseconds. Default: 0. */
  headAfterMs?: number;
  /**
   * The answer's body as it is on the wire, in place of all of the above: each piece is one write,
   * a number is a wait in milliseconds, asked for when it is due; `"reset"` as `end` breaks the connection after them.
   */
  wire?: Iterable<string | Uint8Array | number>;
}

/** A request as the stand-in saw it. */
export interface SeenRequest {
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
  /** How many writes of the answer have been made. */
  writes: number;
  /** When the client closed the connection before the end (`performance.now()`). */
  closedAtMs: number | undefined;
}

/**
 * A stand-in for an OpenAI-compatible provider: real HTTP and SSE on a free port of the loopback,
 * scripted by the test. It writes only as fast as it is read.
 *
 * ```ts
 * await using provider = startModelProvider();
 * provider.script = { tokens: ["Hello", " world"], paceMs: 5 };
 * new OpenAiProvider({ baseUrl: provider.baseUrl, apiKey: "key" });
 * ```
 */
export interface StandInProvider extends AsyncDisposable {
  readonly baseUrl: string;
  /** For each request from now on. A function is asked with the request's body. */
  script: Script | ((body: Record<string, unknown>) => Script);
  models: { id: string; name?: string }[];
  /** What `/models` answers, in place of the list. */
  modelsAnswer?: () => Response;
  readonly requests: SeenRequest[];
}

const encoder = new TextEncoder();
/** A page may ask, too: with a person's own key. */
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "authorization, content-type",
};

function sse(data: unknown): string {
  return `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
}

function chunk(delta: Record<string, unknown>, finishReason: string | null = null): string {
  return sse({
    id: "chatcmpl-stand-in",
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason: finishReason }],
  });
}

/** The writes of an answer, but for how it ends. */
function* writesOf(script: Script): Generator<string | Uint8Array | number | Promise<unknown>> {
  if (script.wire) return yield* script.wire;
  const { tokens = ["One", " two", " three."], reasoning = [], tokensPerWrite = 1 } = script;
  for (const text of reasoning) yield chunk({ reasoning_content: text });
  for (let at = 0; at < tokens.length; at += tokensPerWrite) {
    yield tokens.slice(at, at + tokensPerWrite).map((content) => chunk({ content })).join("");
  }
  if (script.endsAfter) yield script.endsAfter;
  if (script.garbage !== undefined) yield script.garbage;
  const { end = "done" } = script;
  if (end === "error") yield sse({ error: { message: "the model is out of order" } });
  if (end === "done" || end === "no_done") {
    yield chunk({}, "stop");
    if (script.usage) yield sse({ choices: [], usage: script.usage });
  }
  if (end === "done") yield sse("[DONE]");
}

export function startModelProvider(): StandInProvider {
  const stopped = new AbortController();
  const requests: SeenRequest[] = [];
  const timers = new Set<() => void>();
  const { promise: stop, resolve: onStop } = Promise.withResolvers<void>();

  const wait = (delayMs: number) => {
    // Who reads on is answered no more: a timer begun here would outlive the test.
    if (stopped.signal.aborted) return stop;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => end(), delayMs);
    const end = () => {
      clearTimeout(timer);
      timers.delete(end);
      resolve();
    };
    timers.add(end);
    return promise;
  };

  function answer(script: Script, seen: SeenRequest): Response {
    const writes = writesOf(script);
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (seen.writes > 0 && script.paceMs) await wait(script.paceMs);
        if (seen.closedAtMs !== undefined || stopped.signal.aborted) return;
        const { done, value } = writes.next();
        if (typeof value === "number" || value instanceof Promise) {
          await (typeof value === "number" ? wait(value) : Promise.race([value, stop]));
          // An empty write is none: the next pull goes on.
          if (seen.closedAtMs === undefined) controller.enqueue(new Uint8Array());
        } else if (!done) {
          controller.enqueue(typeof value === "string" ? encoder.encode(value) : value);
          seen.writes++;
        } else if (script.end === "hang") {
          await stop;
          if (seen.closedAtMs === undefined) controller.close();
        } else if (script.end === "reset") {
          controller.error(new Error("reset by the script"));
        } else {
          controller.close();
        }
      },
      cancel() {
        seen.closedAtMs ??= performance.now();
      },
    }, { highWaterMark: 0 });
    return new Response(body, {
      headers: { "content-type": "text/event-stream", ...CORS, ...script.headers },
    });
  }

  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: stopped.signal,
    onListen: () => {},
  }, async (request) => {
    if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: CORS });
    if (request.method === "GET" && provider.modelsAnswer) return provider.modelsAnswer();
    if (request.method === "GET") {
      return Response.json({ object: "list", data: provider.models }, { headers: CORS });
    }
    let body: Record<string, unknown>;
    try {
      body = await request.json();
    } catch {
      // Whoever asked has gone before all of the question was here: a chat was deleted, say.
      return new Response(null, { status: 400 });
    }
    const seen: SeenRequest = { headers: request.headers, body, writes: 0, closedAtMs: undefined };
    requests.push(seen);
    const script = typeof provider.script === "function" ? provider.script(body) : provider.script;
    if (script.isSilent) await stop;
    if (script.headAfterMs) await wait(script.headAfterMs);
    if (script.body !== undefined || (script.status ?? 200) !== 200) {
      const { status = 200, headers = {} } = script;
      return new Response(script.body ?? "", { status, headers: { ...CORS, ...headers } });
    }
    return answer(script, seen);
  });

  const provider: StandInProvider = {
    baseUrl: `http://127.0.0.1:${server.addr.port}/v1`,
    script: {},
    models: [{ id: "stand-in", name: "Stand-in" }],
    requests,
    async [Symbol.asyncDispose]() {
      stopped.abort();
      onStop();
      for (const end of timers) end();
      await server.finished;
    },
  };
  return provider;
}
