/** How long others wait while an ordinary user does something large: the longest pause of the event loop. */
import { ServerProcess } from "../measure/server_process.ts";
import { SECRET_KEY } from "../load/tokens.ts";
import type { Figure, Section } from "./section.ts";

const MESSAGES = 10_000;
/** Of a message: ten thousand of them are some 10 MB of JSON. */
const WORDS = "Every message says something, and not too little. ".repeat(18);
const ROUNDS = 3;

interface Step {
  id: string;
  title: string;
  run(ask: Ask): Promise<unknown>;
}

type Ask = (method: string, path: string, body?: string) => Promise<string>;

/** A chat of messages that follow one another. */
function bodyOf(count: number, words: string): string {
  const id = (at: number) => `message-${at}`;
  const messages = Object.fromEntries(
    Array.from({ length: count }, (_, at) => [id(at), {
      id: id(at),
      parentId: at === 0 ? null : id(at - 1),
      childrenIds: at + 1 < count ? [id(at + 1)] : [],
      role: at % 2 === 0 ? "user" : "assistant",
      content: words,
    }]),
  );
  const history = { currentId: id(count - 1), messages };
  return JSON.stringify({ chat: { title: "large", models: ["bench"], history } });
}

const large = bodyOf(MESSAGES, WORDS);
const tooMany = bodyOf(100_000, "word");
let chatId = "";

const STEPS: readonly Step[] = [
  {
    id: "create",
    title: "a chat of 10,000 messages and 10 MB is imported",
    run: async (ask) => chatId = JSON.parse(await ask("POST", "/api/v1/chats/new", large)).id,
  },
  {
    id: "read",
    title: "the same is read",
    run: (ask) => ask("GET", `/api/v1/chats/${chatId}`),
  },
  {
    id: "write",
    title: "the same is posted again, whole",
    run: (ask) => ask("POST", `/api/v1/chats/${chatId}`, large),
  },
  {
    id: "refuse",
    title: "a chat of 100,000 messages is refused",
    run: (ask) => ask("POST", "/api/v1/chats/new", tooMany),
  },
];

export const pauses: Section = {
  name: "pauses",
  async run({ contestants, tokens, progress }) {
    const figures = STEPS.map(({ id, title }): Figure => ({
      ...{ id: `pauses.${id}`, title: `longest pause: ${title}`, unit: "ms" },
      samples: {},
      failures: {},
    }));
    for (const { peer, launch } of contestants.filter(({ peer }) => peer.id === "ours")) {
      await using server = await ServerProcess.start(peer, launch, {
        BENCH_SECRET_KEY: SECRET_KEY,
      });
      const ask: Ask = async (method, path, body) => {
        const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, {
          method,
          headers: {
            authorization: `Bearer ${tokens.of(0)}`,
            "content-type": "application/json",
          },
          ...(body !== undefined && { body }),
        });
        return await answer.text();
      };
      for (let round = 0; round <= ROUNDS; round++) {
        progress(round === 0 ? "warm-up" : `round ${round} of ${ROUNDS}`);
        for (const [index, step] of STEPS.entries()) {
          const ms = await server.longestPauseOf(() => step.run(ask));
          const samples = figures[index]?.samples;
          if (round > 0 && samples) (samples[peer.id] ??= []).push(ms);
        }
      }
    }
    return figures;
  },
};
