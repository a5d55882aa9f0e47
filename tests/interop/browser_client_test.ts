/**
 * What Open WebUI's own browser client sends and waits for (0.9.6 to 0.12.4), in payloads written
 * down here by hand: where it leaves out what our client says, adds what we do not know, or sends
 * early.
 */
import assert from "node:assert/strict";
import * as Y from "yjs";
import type { Chat } from "../../lib/protocol/chat.ts";
import { type StandInProvider, startModelProvider } from "../support/model_provider.ts";
import { connect, type Person, signUp, startServer } from "../support/server.ts";
import { answered, completions, textOf } from "../e2e/support/chat.ts";
import { until } from "../support/until.ts";

interface Started {
  status: boolean;
  task_ids: string[];
  chat_id: string;
}

/** A question as the client asks it: no `messages`, and much that only its own server knows. */
const question = (id: string, answer: string, content: string, before: string | null) => ({
  stream: true,
  model: "stand-in",
  params: { temperature: 0.5, top_p: null, model_controls: {}, stop: undefined },
  files: undefined,
  tool_ids: [],
  tool_servers: [],
  features: { web_search: false, image_generation: false },
  variables: { "{{USER_NAME}}": "Ada" },
  chat_variables: {},
  background_tasks: { follow_up_generation: true },
  model_item: { id: "stand-in", name: "Stand-in" },
  session_id: "a-session",
  id: answer,
  message_ids: [{ model_id: "stand-in", message_id: answer, modelIdx: 0 }],
  parent_id: before,
  user_message: {
    ...{ id, parentId: before, childrenIds: [answer], role: "user", content },
    ...{ user_id: "whoever", timestamp: 1_795_000_000, models: ["stand-in"], files: undefined },
  },
});

const post = (person: Person, body: unknown) =>
  person.json<Started>("POST", "/api/chat/completions", body);

/** The chat, once the message's answer has ended. */
const ended = (person: Person, chatId: string, answer: string) =>
  until(async () => {
    const { chat } = await person.json<Chat>("GET", `/api/v1/chats/${chatId}`);
    const messages = chat.history?.messages ?? {};
    return messages[answer]?.done ? { ...chat, messages } : undefined;
  }, { what: `the end of ${answer}` });

const said = ({ requests }: StandInProvider, at: number) =>
  (requests[at]?.body.messages as { role: string; content: string }[]).map(
    ({ role, content }) => `${role}: ${content}`,
  );

Deno.test("a first question without a chat begins one, and the next finds what was said", async () => {
  await using provider = startModelProvider();
  provider.script = { tokens: ["Forty", "-two."] };
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);

  const begun = await post(ada, question("q1", "a1", "What is it?", null));
  assert.equal(begun.status, true);
  assert.equal(begun.task_ids.length, 1);
  const first = await ended(ada, begun.chat_id, "a1");
  assert.deepEqual(first.models, ["stand-in"]);
  assert.equal(first.messages.q1?.parentId, null);
  assert.equal(first.messages.a1?.parentId, "q1");
  assert.equal(first.messages.a1?.content, "Forty-two.");
  assert.deepEqual(said(provider, 0), ["user: What is it?"]);
  assert.ok(client.events.some(({ data }) => data.type === "chat:list"));

  const { chat_id } = begun;
  const next = { ...question("q2", "a2", "And why?", "a1"), chat_id };
  const system = [{ role: "system", content: "Be brief." }];
  assert.equal((await post(ada, { ...next, messages: system })).chat_id, chat_id);
  const second = await ended(ada, chat_id, "a2");
  assert.equal(second.messages.q2?.parentId, "a1");
  assert.equal(second.messages.a2?.parentId, "q2");
  assert.deepEqual(second.messages.a1?.childrenIds, ["q2"]);
  assert.equal(second.history?.currentId, "a2");
  const asked = provider.requests.findIndex(({ body }) => JSON.stringify(body).includes("why"));
  assert.deepEqual(said(provider, asked), [
    "system: Be brief.",
    "user: What is it?",
    "assistant: Forty-two.",
    "user: And why?",
  ]);
});

Deno.test("the provider is asked with its own parameters only", async () => {
  await using provider = startModelProvider();
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  const { chat_id } = await post(ada, question("q1", "a1", "What is it?", null));
  await ended(ada, chat_id, "a1");
  const { messages: _, ...body } = provider.requests[0]?.body ?? {};
  const { stream_options: __, ...parameters } = body;
  assert.deepEqual(parameters, { model: "stand-in", stream: true, temperature: 0.5 });
});

Deno.test("one question to two models fills two messages", async () => {
  await using provider = startModelProvider();
  provider.models = [{ id: "stand-in" }, { id: "another" }];
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  const both = [{ model_id: "stand-in", message_id: "a1" }, {
    model_id: "another",
    message_id: "b1",
  }];
  const { chat_id, task_ids } = await post(ada, {
    ...question("q1", "a1", "What is it?", null),
    message_ids: both,
  });
  assert.equal(new Set(task_ids).size, 2);
  await ended(ada, chat_id, "a1");
  const { messages } = await ended(ada, chat_id, "b1");
  assert.deepEqual([messages.a1?.parentId, messages.b1?.parentId], ["q1", "q1"]);
  assert.deepEqual([messages.a1?.model, messages.b1?.model], ["stand-in", "another"]);
});

Deno.test("a question into somebody else's chat, or none at all, is refused and leaves nothing", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const eve = await signUp(app.url);
  const begun = await post(ada, {
    ...question("q1", "a1", "one", null),
    model: "echo",
    message_ids: null,
  });
  await ended(ada, begun.chat_id, "a1");
  const foreign = { ...question("q2", "a2", "two", "a1"), model: "echo", message_ids: null };
  const refused = await eve.call("POST", "/api/chat/completions", {
    ...foreign,
    chat_id: begun.chat_id,
  });
  assert.equal((await refused.json()).code, "not_found");
  const { chat } = await ada.json<Chat>("GET", `/api/v1/chats/${begun.chat_id}`);
  assert.deepEqual(Object.keys(chat.history?.messages ?? {}).sort(), ["a1", "q1"]);

  const unknown = { ...foreign, model: "no-such-model", parent_id: null };
  assert.equal(await eve.status("POST", "/api/chat/completions", unknown), 404);
  assert.deepEqual(await eve.json("GET", "/api/v1/chats/"), []);

  const empty = await eve.call("POST", "/api/chat/completions", { model: "echo" });
  assert.equal((await empty.json()).code, "invalid_payload");
});

Deno.test("a temporary chat is answered with what the client sends of it, and not stored", async () => {
  await using provider = startModelProvider();
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  for (const kind of ["temporary", "local"]) {
    const chat_id = `${kind}:${client.socket.id}`;
    const messages = [{ role: "user", content: "one" }, { role: "user", content: "two" }];
    await post(ada, { ...question("q1", "a1", "two", null), chat_id, messages });
    await answered(client, chat_id);
    assert.equal(textOf(completions(client, chat_id)), "One two three.");
    assert.deepEqual(said(provider, provider.requests.length - 1), ["user: one", "user: two"]);
  }
  assert.deepEqual(await ada.json("GET", "/api/v1/chats/"), []);
});

Deno.test("events with fields that are missing, null or unknown here are taken", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  const { socket } = client;
  const channel = await ada.json<{ id: string }>("POST", "/api/v1/channels/create", {
    ...{
      type: "",
      name: "general",
      is_private: null,
      access_grants: [],
      group_ids: [],
      user_ids: [],
    },
  });
  const chat = await ada.json<Chat>("POST", "/api/v1/chats/new", {
    ...{ chat: { title: "t", files: [] }, variables: {}, folder_id: null },
  });
  const inChannel = { channel_id: channel.id, message_id: null };
  const sent: [string, unknown][] = [
    ["user-join", { auth: { token: ada.token } }],
    ["heartbeat", {}],
    ["usage", { action: "chat", model: "echo", chat_id: chat.id }],
    ["join-channels", { auth: {} }],
    ["events:channel", { ...inChannel, data: { type: "typing", data: { typing: true } } }],
    ["events:channel", { ...inChannel, data: { type: "last_read_at" } }],
    ["events:chat", { chat_id: chat.id, data: { type: "last_read_at" } }],
  ];
  for (const [event, payload] of sent) {
    const ack = await socket.emitWithAck(event, payload);
    assert.notEqual(ack?.status, false, `${event}: ${JSON.stringify(ack)}`);
  }
  assert.deepEqual(client.errors, []);
  const [listed] = await ada.json<{ last_read_at: unknown }[]>("GET", "/api/v1/chats/?page=1");
  assert.equal(typeof listed?.last_read_at, "number");
});

Deno.test("a cursor that is sent right after the join is shown to the others", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using near = await connect(app.url, ada.token);
  await using far = await connect(app.url, ada.token);
  const note = await ada.json<{ id: string }>("POST", "/api/v1/notes/create", {
    ...{ title: "n", data: { content: { json: null, html: "", md: "" } }, meta: null },
    access_grants: [],
  });
  const document_id = `note:${note.id}`;
  await near.socket.emitWithAck("ydoc:document:join", { document_id });
  const seen: number[][] = [];
  near.socket.on("ydoc:awareness:update", ({ update }) => seen.push(update));

  const cursor = JSON.stringify({ 7: { user: { name: "Ada", color: "#fff", id: far.socket.id } } });
  far.socket.emit("ydoc:document:join", { document_id, user_id: ada.id, user_name: "Ada" });
  far.socket.emit("ydoc:awareness:update", {
    ...{ document_id, user_id: far.socket.id, update: [...new TextEncoder().encode(cursor)] },
  });
  const update = await until(() => seen[0], { what: "the cursor" });
  assert.deepEqual(Object.keys(JSON.parse(new TextDecoder().decode(new Uint8Array(update)))), [
    "7",
  ]);
  assert.deepEqual(far.errors, []);
});

Deno.test("of two that begin an empty document, the first does, and both are told with what", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using one = await connect(app.url, ada.token);
  await using two = await connect(app.url, ada.token);
  const note = await ada.json<{ id: string }>("POST", "/api/v1/notes/create", { title: "n" });
  const document_id = `note:${note.id}`;
  for (const { socket } of [one, two]) {
    await socket.emitWithAck("ydoc:document:join", { document_id });
  }
  const begin = (text: string) => {
    const doc = new Y.Doc();
    const paragraph = new Y.XmlElement("paragraph");
    paragraph.insert(0, [new Y.XmlText(text)]);
    doc.getXmlFragment("prosemirror").push([paragraph]);
    return { document_id, update: [...Y.encodeStateAsUpdate(doc)], initialize: true };
  };
  const acks: number[][] = await Promise.all([
    one.socket.emitWithAck("ydoc:document:update", begin("one")),
    two.socket.emitWithAck("ydoc:document:update", begin("two")),
  ]);
  const texts = acks.map((ack) => {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, new Uint8Array(ack));
    return doc.getXmlFragment("prosemirror").toString();
  });
  assert.match(texts[0] ?? "", /^<paragraph>(one|two)<\/paragraph>$/);
  assert.equal(texts[0], texts[1]);
});

Deno.test("who signs in is told what the client shows; grants have a route of their own", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const bob = await signUp(app.url);
  const { permissions } = await bob.json<{ permissions: Record<string, Record<string, boolean>> }>(
    "GET",
    "/api/v1/auths/",
  );
  assert.equal(permissions.features?.notes, true);
  assert.equal(typeof permissions.chat, "object");

  const access_grants = [{
    ...{ id: "from-the-client", principal_type: "user", principal_id: bob.id, permission: "read" },
  }];
  const note = await ada.json<{ id: string }>("POST", "/api/v1/notes/create", { title: "n" });
  assert.equal(await bob.status("GET", `/api/v1/notes/${note.id}`), 404);
  await ada.json("POST", `/api/v1/notes/${note.id}/access/update`, { access_grants });
  assert.equal(await bob.status("GET", `/api/v1/notes/${note.id}`), 200);
  const body = { name: "private", access_grants: [] };
  const channel = await ada.json<{ id: string }>("POST", "/api/v1/channels/create", body);
  assert.equal(await bob.status("GET", `/api/v1/channels/${channel.id}`), 404);
  await ada.json("POST", `/api/v1/channels/${channel.id}/access/update`, { access_grants });
  assert.equal(await bob.status("GET", `/api/v1/channels/${channel.id}`), 200);
});
