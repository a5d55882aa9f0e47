/** What one user, or a stranger, does to a server; each ends by itself, within its limit. */
import { ask, message, newChat } from "../e2e/support/chat.ts";
import { connect, type Person, signUp } from "../support/server.ts";
import { until } from "../support/until.ts";
import { chain, conflicting, deepValue, nested } from "./yjs_attacks.ts";

export interface Attack {
  /** The row of docs/lessons.md. */
  number: string;
  what: string;
  /** Does it, and says how it ended. */
  run(url: string, mallory: Person): Promise<string>;
}

const ANSWER_MS = 30_000;

interface Refusal {
  status?: boolean;
  error?: { code: string; message: string };
}

const endOf = ({ status, error }: Refusal) => status ? "taken" : `refused: ${error?.code}`;

/** A note that is open at a socket of its own. */
async function openNote(url: string, mallory: Person, data: object | null = null) {
  const { id } = await mallory.json<{ id: string }>("POST", "/api/v1/notes/create", {
    title: "n",
    data,
  });
  const client = await connect(url, mallory.token, { reconnection: false });
  const ask = (name: string, payload: object): Promise<Refusal> =>
    client.socket.timeout(ANSWER_MS).emitWithAck(name, { document_id: `note:${id}`, ...payload });
  const joined = await ask("ydoc:document:join", {});
  return { id, ask, joined, client, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
}

async function sendUpdate(url: string, mallory: Person, update: Uint8Array): Promise<string> {
  await using note = await openNote(url, mallory);
  const answer = await note.ask("ydoc:document:update", { update });
  // It must not strike again when it is opened.
  await note.ask("ydoc:document:leave", {});
  await note.ask("ydoc:document:join", {});
  return endOf(answer);
}

/** From several tabs in one moment, each quick by itself. */
async function sendAtOnce(url: string, mallory: Person, updates: Uint8Array[]): Promise<string> {
  await using note = await openNote(url, mallory);
  await using tabs = new AsyncDisposableStack();
  const payload = { document_id: `note:${note.id}` };
  const sockets = await Promise.all(updates.map(async () => {
    const { socket } = tabs.use(await connect(url, mallory.token, { reconnection: false }));
    await socket.timeout(ANSWER_MS).emitWithAck("ydoc:document:join", payload);
    return socket;
  }));
  const answers: Refusal[] = await Promise.all(
    sockets.map((socket, at) =>
      socket.timeout(ANSWER_MS).emitWithAck("ydoc:document:update", {
        ...payload,
        update: updates[at],
      })
    ),
  );
  const taken = answers.filter(({ status }) => status).length;
  return `${taken} taken, ${answers.length - taken} refused`;
}

async function openText(url: string, mallory: Person, content: object): Promise<string> {
  await using note = await openNote(url, mallory, { content });
  return endOf(note.joined);
}

async function fillDocuments(url: string, mallory: Person): Promise<string> {
  const ends = new Map<string, number>();
  await using note = await openNote(url, mallory);
  for (let at = 0; at < 20; at++) {
    const end = endOf(await note.ask("ydoc:document:update", { update: nested(150, 1_000 + at) }));
    ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  for (let at = 0; at < 30; at++) {
    const { id } = await mallory.json<{ id: string }>("POST", "/api/v1/notes/create", {
      title: "n",
      data: null,
    });
    const end = endOf(await note.ask("ydoc:document:join", { document_id: `note:${id}` }));
    ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  return [...ends].map(([end, count]) => `${count} ${end}`).join(", ");
}

async function floodCursors(url: string, mallory: Person): Promise<string> {
  await using note = await openNote(url, mallory);
  const state = { 7: { x: "x".repeat(8_000) } };
  const update = new TextEncoder().encode(JSON.stringify(state));
  let sent = 0;
  const end = performance.now() + 5_000;
  while (performance.now() < end && note.client.socket.connected) {
    await Promise.allSettled(
      Array.from({ length: 50 }, () => note.ask("ydoc:awareness:update", { update })),
    );
    sent += 50;
  }
  return `${sent} sent in 5 s`;
}

async function fillStore(_url: string, mallory: Person): Promise<string> {
  const body = { chat: { title: "t", params: { text: "x".repeat(4_000_000) } } };
  const end = performance.now() + 10_000;
  let stored = 0;
  const codes = new Set<number>();
  while (performance.now() < end) {
    const status = await mallory.status("POST", "/api/v1/chats/new", body);
    codes.add(status);
    if (status === 200) stored += 4;
    else await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return `${stored} MB in 10 s, answers ${[...codes].join(", ")}`;
}

async function unreadAnswers(url: string, mallory: Person): Promise<string> {
  const { id } = await mallory.json<{ id: string }>("POST", "/api/v1/chats/new", {
    chat: { title: "t", params: { text: "x".repeat(8_000_000) } },
  });
  const { hostname, port } = new URL(url);
  const request = new TextEncoder().encode(
    `GET /api/v1/chats/${id} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${mallory.token}\r\n\r\n`,
  );
  const held: Deno.TcpConn[] = [];
  let refused = 0;
  for (let at = 0; at < 300; at++) {
    try {
      const conn = await Deno.connect({ hostname, port: Number(port) });
      await conn.write(request);
      held.push(conn);
    } catch {
      refused++;
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  for (const conn of held) conn.close();
  return `${held.length} unread for 5 s, ${refused} refused`;
}

async function nestedPackets(url: string): Promise<string> {
  let ended = 0;
  for (let at = 0; at < 10; at++) {
    const stranger = await connect(url, undefined, { reconnection: false });
    const deep = "[".repeat(400_000) + "]".repeat(400_000);
    stranger.socket.io.engine.write(`42["user-join",${deep}]`);
    await until(() => !stranger.socket.connected, { limitMs: 5_000 }).then(
      () => ended++,
      () => {},
    );
    await stranger[Symbol.asyncDispose]();
  }
  return `${ended} of 10 cut`;
}

async function takePlaces(url: string, mallory: Person): Promise<string> {
  await using strangers = new AsyncDisposableStack();
  let open = 0;
  for (let at = 0; at < 200; at++) {
    const stranger = await connect(url, undefined, { reconnection: false }).catch(() => undefined);
    if (stranger) strangers.use(stranger);
    open++;
  }
  await using friend = await connect(url, mallory.token, { reconnection: false });
  return `${open} strangers; who has a token ${friend.socket.connected ? "got in" : "stayed out"}`;
}

async function guessPasswords(url: string): Promise<string> {
  const codes = new Map<number, number>();
  await Promise.all(Array.from({ length: 150 }, async (_, at) => {
    const response = await fetch(`${url}/api/v1/auths/signin`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email: `nobody${at}@example.com`, password: "wrong" }),
    });
    await response.arrayBuffer();
    codes.set(response.status, (codes.get(response.status) ?? 0) + 1);
  }));
  return [...codes].map(([code, count]) => `${count} times ${code}`).join(", ");
}

async function floodBytes(url: string, mallory: Person): Promise<string> {
  const client = await connect(url, mallory.token, { reconnection: false });
  const message = { text: "x".repeat(4_000_000) };
  let sent = 0;
  const end = performance.now() + 10_000;
  while (performance.now() < end && client.socket.connected) {
    client.socket.emit("nothing", message);
    sent += 4;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const isCut = !client.socket.connected;
  await client[Symbol.asyncDispose]();
  return isCut ? `cut after ${sent} MB` : `${sent} MB sent`;
}

/** As long as a post may be, of letters that take three bytes each. */
const LONGEST_POST = "字".repeat(200_000);

async function fillChannel(_url: string, mallory: Person): Promise<string> {
  const { id } = await mallory.json<{ id: string }>("POST", "/api/v1/channels/create", {
    ...{ name: "c", type: "group", user_ids: [] },
  });
  const codes = new Map<number, number>();
  const end = performance.now() + 10_000;
  while (performance.now() < end) {
    const path = `/api/v1/channels/${id}/messages/post`;
    const status = await mallory.status("POST", path, { content: LONGEST_POST });
    codes.set(status, (codes.get(status) ?? 0) + 1);
  }
  // What is too long is refused before it costs anything, and says nothing of what is taken.
  if (!codes.has(200)) throw new Error(`no post was taken: ${[...codes.keys()]}`);
  return [...codes].map(([code, count]) => `${count} times ${code}`).join(", ");
}

/** Lines for instances that never were. */
async function unknownInstances(url: string, mallory: Person): Promise<string> {
  await using client = await connect(url, mallory.token, { reconnection: false });
  const began = performance.now();
  const codes = new Map<string, number>();
  await Promise.all(Array.from({ length: 400 }, async (_, n) => {
    const channel = `${mallory.id}:${client.socket.id}:nobody${n}.${crypto.randomUUID()}`;
    const { error }: Refusal = await client.socket.timeout(ANSWER_MS).emitWithAck(channel, "data");
    codes.set(error?.code ?? "taken", (codes.get(error?.code ?? "taken") ?? 0) + 1);
  }));
  const ends = [...codes].map(([code, count]) => `${count} ${code}`).join(", ");
  return `${ends} within ${Math.round(performance.now() - began)} ms`;
}

/** Tasks whose provider says that it lives, and nothing else. */
async function endlessAnswers(_url: string, mallory: Person): Promise<string> {
  const began = performance.now();
  const ends = new Map<string, number>();
  await Promise.all(Array.from({ length: 5 }, async () => {
    const chatId = await newChat(mallory, "titled");
    await ask(mallory, chatId);
    const end = await until(async () => {
      const now = await message(mallory, chatId).catch(() => undefined);
      return now?.done ? now : undefined;
    }, { what: "the answer's end", limitMs: ANSWER_MS, everyMs: 200 });
    const code = end.error?.code ?? "none";
    ends.set(code, (ends.get(code) ?? 0) + 1);
  }));
  const told = [...ends].map(([code, count]) => `${count} ended with ${code}`).join(", ");
  return `${told} after ${((performance.now() - began) / 1_000).toFixed(1)} s`;
}

async function longChat(_url: string, mallory: Person): Promise<string> {
  const messages = Object.fromEntries(
    Array.from({ length: 100_000 }, (_, at) => [
      `m${at}`,
      { id: `m${at}`, parentId: null, childrenIds: [], role: "user", content: "x" },
    ]),
  );
  const chat = { title: "t", history: { messages, currentId: "m0" } };
  return `answer ${await mallory.status("POST", "/api/v1/chats/new", { chat })}`;
}

export const ATTACKS: readonly Attack[] = [
  {
    number: "X1",
    what: "an update of 40,000 items that Yjs merges one by one",
    run: (url, mallory) => sendUpdate(url, mallory, chain(40_000)),
  },
  {
    number: "X1",
    what: "an update of 40,000 elements in one another",
    run: (url, mallory) => sendUpdate(url, mallory, nested(40_000)),
  },
  {
    number: "X2",
    what: "a note of HTML that is repaired without end, opened",
    run: (url, mallory) => openText(url, mallory, { html: "<b id=i><p>".repeat(7_000) }),
  },
  {
    number: "X2",
    what: "a note of a megabyte of Markdown, opened",
    run: (url, mallory) => openText(url, mallory, { md: "- **a** [b](c)\n".repeat(66_000) }),
  },
  {
    number: "X3",
    what: "an update of 49,000 items that all conflict",
    run: (url, mallory) => sendUpdate(url, mallory, conflicting(49_000)),
  },
  {
    number: "X3",
    what: "eight updates of 1,500 items that all conflict, at once",
    run: (url, mallory) =>
      sendAtOnce(
        url,
        mallory,
        Array.from({ length: 8 }, (_, at) => conflicting(1_500, 10_000_000 + at * 10_000)),
      ),
  },
  { number: "X4", what: "large answers that nobody reads", run: unreadAnswers },
  { number: "X5", what: "packets of nested arrays, of a stranger", run: nestedPackets },
  { number: "X6", what: "sockets without a token", run: takePlaces },
  { number: "X7", what: "chats of 4 MB, one after another", run: fillStore },
  { number: "X7", what: "messages of 4 MB at one socket", run: floodBytes },
  {
    number: "X7",
    what: "the longest posts there are, 600 kB each, in a channel",
    run: fillChannel,
  },
  { number: "X8", what: "150 sign-ins at once", run: guessPasswords },
  { number: "X9", what: "documents that take much memory, many at once", run: fillDocuments },
  { number: "X10", what: "a flood of cursors", run: floodCursors },
  { number: "X11", what: "a chat of 100,000 messages", run: longChat },
  {
    number: "X14",
    what: "a value nested 100,000 deep",
    run: (url, mallory) => sendUpdate(url, mallory, deepValue(100_000)),
  },
  { number: "X19", what: "400 lines for instances that never were", run: unknownInstances },
  { number: "X20", what: "answers of which only signs of life come", run: endlessAnswers },
];

/** Each attack has a user of its own: what one has used up does not spare the next. */
export const newcomer = (url: string): Promise<Person> => signUp(url, "mallory");
