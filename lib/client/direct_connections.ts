import type { BrowserCompletionData } from "../protocol/chat_events.ts";
import type { StreamChannel, StreamLine } from "../protocol/wire_events.ts";
import type { Connection } from "./connection.ts";
import { ClientError, messageOf } from "./errors.ts";

/** The person's own OpenAI-compatible provider, called from the browser with their own key. */
export interface DirectProvider {
  /** Up to and including `/v1`. */
  baseUrl: string;
  /** The person's own key; it goes to the provider and to nobody else. Default: none. */
  apiKey?: string;
}

/** How often a line is sent again while the connection comes back. */
const RESEND_LIMIT = 30;
const RESEND_AFTER_MS = 500;
/** One delta may be a picture; what is longer than a message of the wire may be is no line. */
const MAX_LINE = 9_000_000;
/** As much of a refusal's body as can hold its words. */
const MAX_REFUSAL = 20_000;

const headersOf = ({ apiKey }: DirectProvider): Record<string, string> => ({
  "content-type": "application/json",
  ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}),
});

/** The ids of the provider's models. Throws when it can't be asked. */
export async function directModels(provider: DirectProvider): Promise<string[]> {
  const response = await fetch(`${provider.baseUrl}/models`, { headers: headersOf(provider) });
  if (!response.ok) throw new ClientError("provider_error", `It answered ${response.status}.`);
  return idsIn(await response.json());
}

/** Providers list their models as `{data}`, as `{models}` or bare, and call them by `id` or `name`. */
function idsIn(body: unknown): string[] {
  const { data, models } = Object(body) as { data?: unknown; models?: unknown };
  const list = [body, data, models].find(Array.isArray) ?? [];
  return list.flatMap((item: unknown) => {
    const { id, name } = Object(item) as { id?: unknown; name?: unknown };
    const found = [item, id, name].find((value) => typeof value === "string");
    return typeof found === "string" ? [found.replace(/^models\//, "")] : [];
  });
}

/**
 * Runs a model for the server (docs/protocol.md, section 6): asks the provider, and sends its lines back on
 * the channel given. Resolves with the ack once the provider has answered; the lines follow.
 */
export async function completeDirectly(
  connection: Connection,
  provider: DirectProvider,
  { channel, form_data }: BrowserCompletionData,
): Promise<unknown> {
  const stopped = new AbortController();
  const response = await fetch(`${provider.baseUrl}/chat/completions`, {
    method: "POST",
    headers: headersOf(provider),
    body: JSON.stringify(form_data),
    signal: stopped.signal,
  });
  if (!response.ok) {
    // The server finds the words in whatever shape they have, as it does for its own provider.
    return {
      error: (await response.text().catch(() => "")).slice(0, MAX_REFUSAL),
      http_status: response.status,
      retry_after: response.headers.get("retry-after"),
    };
  }
  void sendLines(connection, channel, response).catch((thrown) => {
    // Nobody waits for the lines any more (stopped), or the provider broke off: the server ends the
    // answer either way, and says so in the chat.
    stopped.abort();
    finish(connection, channel, messageOf(thrown));
  });
  return { status: true };
}

/** Whatever the provider says that it sends: the server reads the lines as what they are. */
async function sendLines(connection: Connection, channel: StreamChannel, response: Response) {
  let rest = "";
  const decoder = new TextDecoder();
  const reader = response.body?.getReader();
  // Not every browser can iterate over a stream.
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    const lines = (rest + decoder.decode(read.value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE) throw new ClientError("too_large", "This is no stream of lines.");
    for (const line of lines) {
      if (line.trim() !== "" && !line.startsWith(":")) await sendLine(connection, channel, line);
    }
  }
  if (rest.trim() !== "") await sendLine(connection, channel, rest);
  await sendLine(connection, channel, { done: true });
}

/** The server takes each line once; one that is not answered was lost with its connection. */
async function sendLine(connection: Connection, channel: StreamChannel, line: StreamLine) {
  for (let attempt = 0;; attempt++) {
    try {
      return void await connection.ask(channel, line);
    } catch (thrown) {
      const isGone = thrown instanceof ClientError && thrown.code !== "offline" &&
        thrown.code !== "rate_limited" && thrown.code !== "unauthenticated";
      if (isGone || attempt >= RESEND_LIMIT || !await mayResend(connection)) throw thrown;
    }
  }
}

/** Resolves when it is time to send a line again; to `false`, at once, where the connection is closed for good. */
function mayResend(connection: Connection): Promise<boolean> {
  const isClosed = () => connection.status.state === "closed";
  if (isClosed()) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (mayBe: boolean) => {
      clearTimeout(timer);
      off();
      resolve(mayBe);
    };
    const timer = setTimeout(() => end(true), RESEND_AFTER_MS);
    const off = connection.subscribe(() => isClosed() && end(false));
  });
}

function finish(connection: Connection, channel: StreamChannel, error: string): void {
  try {
    connection.send(channel, { done: true, error });
  } catch (thrown) {
    throw new ClientError("unavailable", messageOf(thrown), { cause: thrown });
  }
}
