/** What a token costs on its way from the provider to its readers' sockets, many streams at once. */
import { interleaved } from "../measure/rounds.ts";
import { pause } from "../measure/pause.ts";
import { ServerProcess } from "../measure/server_process.ts";
import { Crowd } from "../load/crowd.ts";
import type { Tokens } from "../load/tokens.ts";
import { until } from "../../support/until.ts";
import { nodeFolder } from "../peers/install.ts";
import { untilSignedIn } from "./gathered.ts";
import type { Section } from "./section.ts";

const TOKEN_LENGTH = 8;
/** Of each stream: enough for the lead-in, the window and a start that is spread out. */
const STREAM_S = 6;
/** The streams have started and caught up before the window opens. */
const LEAD_IN_MS = 1_000;
const WINDOW_MS = 3_000;
/** A server that can't keep up needs longer than the streams last. */
const END_LIMIT_MS = 30_000;

export interface Load {
  name: string;
  title: string;
  streams: number;
  tokensASecond: number;
  /** Sockets of each user. */
  readers: number;
}

const LOADS: readonly Load[] = [
  {
    ...{ name: "streams", streams: 200, tokensASecond: 50, readers: 1 },
    title: "a token of 200 streams at 50 a second",
  },
  {
    ...{ name: "streams_slow", streams: 200, tokensASecond: 20, readers: 1 },
    title: "a token of 200 streams at 20 a second",
  },
  {
    ...{ name: "streams_fast", streams: 50, tokensASecond: 200, readers: 1 },
    title: "a token of 50 streams at 200 a second",
  },
  {
    ...{ name: "streams_readers", streams: 20, tokensASecond: 50, readers: 10 },
    title: "a token of 20 streams at 50 a second, to one of 10 readers each",
  },
];

/** A server, or several that are one. */
type Served = Pick<ServerProcess, "port" | "peer" | "cpuOf">;

interface Reader {
  characters: number;
  done: boolean;
}

/** Each socket counts what it is sent. */
function readAll(crowd: Crowd): Reader[] {
  const readers = Array.from(crowd.sockets, () => ({ characters: 0, done: false }));
  const decoder = new TextDecoder();
  crowd.inspect = (index, kind, payload) => {
    const reader = readers[index];
    if (kind !== "event" || reader === undefined) return;
    const [name, event] = JSON.parse(decoder.decode(payload));
    if (name !== "events" || event.data?.type !== "chat:completion") return;
    const { choices, done, error } = event.data.data;
    if (error) throw new Error(`A stream has failed: ${JSON.stringify(error)}`);
    reader.characters += choices?.[0]?.delta.content?.length ?? 0;
    reader.done ||= done === true;
  };
  return readers;
}

function tokensIn(readers: readonly Reader[]): number {
  return readers.reduce((sum, { characters }) => sum + characters, 0) / TOKEN_LENGTH;
}

async function post(server: Served, token: string, path: string, body: unknown) {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`Cannot POST ${path}: ${answer.status} ${text.slice(0, 200)}`);
  return JSON.parse(text);
}

/** A chat of the user with a question, and the completion that answers it. */
async function startStream(server: Served, token: string, sid: string): Promise<void> {
  const [question, answer] = [crypto.randomUUID(), crypto.randomUUID()];
  const content = "Say something long.";
  const messages = {
    [question]: { id: question, parentId: null, childrenIds: [answer], role: "user", content },
    [answer]: { id: answer, parentId: question, childrenIds: [], role: "assistant", content: "" },
  };
  const history = { currentId: answer, messages };
  const chat = await post(server, token, "/api/v1/chats/new", {
    chat: { title: "bench", models: ["bench"], history },
  });
  await post(server, token, "/api/chat/completions", {
    model: "bench",
    stream: true,
    messages: [{ role: "user", content }],
    chat_id: chat.id,
    id: answer,
    session_id: sid,
  });
}

/** CPU time in the window for a token that reached a reader, in microseconds. */
export async function usPerToken(
  server: Served,
  crowd: Crowd,
  { load, tokens }: { load: Load; tokens: Pick<Tokens, "of"> },
): Promise<number> {
  const readers = readAll(crowd);
  const first = crowd.sockets.filter((_, index) => index % load.readers === 0);
  await Promise.all(
    first.map(({ sid }, index) => startStream(server, tokens.of(index * load.readers), sid)),
  );
  await pause(LEAD_IN_MS);
  let delivered = -tokensIn(readers);
  const us = await server.cpuOf(() => pause(WINDOW_MS));
  delivered += tokensIn(readers);

  const allDone = () => {
    crowd.assertWhole();
    return readers.every(({ done }) => done);
  };
  await until(allDone, {
    limitMs: END_LIMIT_MS,
    what: `the streams of ${server.peer.id} to end`,
    everyMs: 50,
  });
  const lost = readers.length * load.tokensASecond * STREAM_S - tokensIn(readers);
  if (lost !== 0) throw new Error(`${lost} tokens were lost`);
  return us / delivered;
}

/** The model provider's stand-in, of so many tokens a second. */
export async function startProvider({ tokensASecond }: Load): Promise<ServerProcess> {
  const peer = { id: "provider", title: "provider", prepare: () => Promise.reject() };
  return await ServerProcess.start(peer, {
    command: "node",
    args: ["provider.mjs"],
    cwd: await nodeFolder(),
    env: {
      BENCH_TOKENS_A_SECOND: `${tokensASecond}`,
      BENCH_TOKENS: `${tokensASecond * STREAM_S}`,
    },
  });
}

export const streams: readonly Section[] = LOADS.map((load): Section => ({
  name: load.name,
  async run(context) {
    await using provider = await startProvider(load);
    const tokens = { of: (index: number) => context.tokens.of(Math.floor(index / load.readers)) };
    const sockets = load.streams * load.readers;
    return await interleaved(context, {
      figures: [{ id: load.name, title: load.title, unit: "µs" }],
      rounds: 3,
      warmups: 1,
      env: { BENCH_PROVIDER_URL: `http://127.0.0.1:${provider.port}/v1` },
      async setUp(server) {
        const crowd = await Crowd.connect(server, tokens, sockets);
        await untilSignedIn(server, sockets);
        return crowd;
      },
      measure: async (server, crowd) => [await usPerToken(server, crowd, { load, tokens })],
    });
  },
}));
