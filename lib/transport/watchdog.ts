import { deadline } from "../common/deadline.ts";
import { pause } from "../common/pause.ts";

export interface WatchdogOptions {
  /** Where the server is heard on this machine. */
  url: string;
  /** The port has not answered several times in a row, though this process runs. Called once. */
  onDeaf: () => void;
  /** Time between two looks. Default: 10,000. */
  everyMs?: number;
  /** How long an answer may take. Default: 5,000. */
  timeoutMs?: number;
  /**
   * Where others listen on the same port: how many connections this process has accepted. Who answers
   * is chance then, so a look counts when anything was accepted since the last. Default: none do.
   */
  shared?: { accepted: () => number };
}

/** One miss can be a long pause of everything. */
const MAX_MISSES = 3;
/** Each process looks: that none of so many reach one that listens is out of the question. */
const MAX_SHARED_MISSES = 18;
const REQUEST = new TextEncoder().encode(
  "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
);

/**
 * Connects to the server's own port as a client would. A process that no longer accepts connections
 * does not notice by itself: the accept loop of Deno 2.9 ends without a word when the process is out
 * of file descriptors, and the kernel goes on to queue connections.
 */
export function watchPort(options: WatchdogOptions): Disposable {
  const stop = new AbortController();
  void watch(options, stop.signal);
  return { [Symbol.dispose]: () => stop.abort() };
}

async function watch(
  { url, onDeaf, everyMs = 10_000, timeoutMs = 5_000, shared }: WatchdogOptions,
  signal: AbortSignal,
): Promise<void> {
  let accepted = shared?.accepted();
  const maxMisses = shared ? MAX_SHARED_MISSES : MAX_MISSES;
  for (let misses = 0; misses < maxMisses;) {
    await pause(everyMs, signal);
    if (signal.aborted) return;
    const isAnswered = await isHeard(url, timeoutMs);
    const isFine = shared ? shared.accepted() !== accepted : isAnswered;
    accepted = shared?.accepted();
    misses = isFine ? 0 : misses + 1;
  }
  if (!signal.aborted) onDeaf();
}

/** Whether anything comes back: a connection that is turned away was heard, too. */
async function isHeard(url: string, timeoutMs: number): Promise<boolean> {
  const { hostname, port } = new URL(url);
  let conn: Deno.TcpConn | undefined;
  const exchange = async () => {
    conn = await Deno.connect({ hostname: hostname.replace(/[[\]]/g, ""), port: Number(port) });
    await conn.write(REQUEST);
    await conn.read(new Uint8Array(1));
  };
  try {
    await deadline(exchange(), timeoutMs, "The own port");
    return true;
  } catch (thrown) {
    return thrown instanceof Deno.errors.ConnectionReset ||
      thrown instanceof Deno.errors.BrokenPipe;
  } finally {
    try {
      conn?.close();
    } catch {
      // It has been closed by its end.
    }
  }
}
