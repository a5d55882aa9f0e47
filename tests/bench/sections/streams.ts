/** What a token costs on its way from the provider to the reader's socket, 200 streams at once. */
import { interleaved } from "../measure/rounds.ts";
import { pause } from "../measure/pause.ts";
import { ServerProcess } from "../measure/server_process.ts";
import { Crowd } from "../load/crowd.ts";
import type { Tokens } from "../load/tokens.ts";
import { until } from "../../support/until.ts";
import { nodeFolder } from "../peers/install.ts";
import { untilSignedIn } from "./gathered.ts";
import type { Section } from "./section.ts";

const STREAMS = 200;
const TOKENS_A_SECOND = 50;
const TOKEN_LENGTH = 8;
/** Of each stream: enough for the lead-in, the window and a start that is spread out. */
const TOKENS = 300;
/** The streams have started and caught up before the window opens. */
const LEAD_IN_MS = 1_000;
const WINDOW_MS = 3_000;
/** A server that can't keep up needs longer than the streams last. */
const END_LIMIT_MS = 30_000;

interface Reader {
  characters: number;
  done: boolean;
}

/** One reader a stream, each counting what its socket is sent. */
function readAll(crowd: Crowd): Reader[] {
  const readers = Array.from({ length: STREAMS }, () => ({ characters: 0, done: false }));
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

async function post(server: ServerProcess, token: string, path: string, body: unknown) {
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
async function startStream(server: ServerProcess, token: string, sid: string): Promise<void> {
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

/** CPU time a token in the window, in microseconds. */
async function usPerToken(server: ServerProcess, crowd: Crowd, tokens: Tokens): Promise<number> {
  const readers = readAll(crowd);
  await Promise.all(
    crowd.sockets.map(({ sid }, index) => startStream(server, tokens.of(index), sid)),
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
  const lost = STREAMS * TOKENS - tokensIn(readers);
  if (lost !== 0) throw new Error(`${lost} tokens were lost`);
  return us / delivered;
}

export const streams: Section = {
  name: "streams",
  async run(context) {
    const peer = { id: "provider", title: "provider", prepare: () => Promise.reject() };
    await using provider = await ServerProcess.start(peer, {
      command: "node",
      args: ["provider.mjs"],
      cwd: await nodeFolder(),
      env: { BENCH_TOKENS_A_SECOND: `${TOKENS_A_SECOND}`, BENCH_TOKENS: `${TOKENS}` },
    });
    return await interleaved(context, {
      figures: [{ id: "streams", title: "a token of 200 streams at 50 a second", unit: "µs" }],
      rounds: 3,
      warmups: 1,
      env: { BENCH_PROVIDER_URL: `http://127.0.0.1:${provider.port}/v1` },
      async setUp(server) {
        const crowd = await Crowd.connect(server, context.tokens, STREAMS);
        await untilSignedIn(server, STREAMS);
        return crowd;
      },
      measure: async (server, crowd) => [await usPerToken(server, crowd, context.tokens)],
    });
  },
};
