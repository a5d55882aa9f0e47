import assert from "node:assert/strict";
import type { ChannelMessage } from "../../lib/protocol/channel.ts";
import { keys } from "../../lib/state/key_space.ts";
import { say } from "../support/say.ts";
import { signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { connectToChannels, makeGroup, messagesOf, post, refusal } from "./fixture.ts";

interface Unread {
  unread_count: number;
  last_read_at: number | null;
  last_read_position: number | null;
}

Deno.test("typing is told to the others, and ends with a word, by itself, or with the socket", async () => {
  await using app = await startServer();
  const [ada, bob] = [await signUp(app.url), await signUp(app.url)];
  const channel = await makeGroup(ada, [bob]);
  await using listener = await connectToChannels(app.url, bob.token);
  const typer = await connectToChannels(app.url, ada.token);
  const typing = (isTyping: boolean) => ({
    channel_id: channel.id,
    data: { type: "typing", data: { typing: isTyping } },
  });
  const heard = () =>
    listener.of("typing").map(({ data }) => (data.data as { typing: boolean }).typing);

  assert.deepEqual(await typer.ask("events:channel", typing(true)), { status: true });
  await typer.ask("events:channel", typing(false));
  await until(() => heard().length === 2);
  assert.deepEqual(heard(), [true, false]);
  assert.equal(listener.of("typing")[0]?.user?.id, ada.id);

  await typer.ask("events:channel", typing(true));
  await until(() => heard().length === 4, { what: "the end of the typing" });
  assert.deepEqual(heard().slice(2), [true, false]);

  await typer.ask("events:channel", typing(true));
  await typer[Symbol.asyncDispose]();
  await until(() => heard().length === 6, { what: "the typist's end" });
  assert.deepEqual(typer.of("typing"), []);
});

Deno.test("events of channels are refused when they are no events, and for those not in the room", async () => {
  await using app = await startServer();
  const [ada, bob] = [await signUp(app.url), await signUp(app.url)];
  const channel = await makeGroup(ada, []);
  await using outsider = await connectToChannels(app.url, bob.token);
  await using insider = await connectToChannels(app.url, ada.token);
  const codeOf = (answer: Record<string, unknown>) => (answer.error as { code: string }).code;
  const data = { type: "last_read_at" };
  for (const channel_id of [channel.id, `user:${ada.id}`, "x:y", ""]) {
    const answer = await outsider.ask("events:channel", { channel_id, data });
    assert.match(codeOf(answer), /forbidden|invalid_payload/, channel_id);
  }
  const unknown = { channel_id: channel.id, data: { type: "message" } };
  assert.equal(codeOf(await insider.ask("events:channel", unknown)), "invalid_payload");
});

Deno.test("unread messages are counted for each reader, up to a limit", async () => {
  await using app = await startServer();
  const [ada, bob] = [await signUp(app.url), await signUp(app.url)];
  const channel = await makeGroup(ada, [bob]);
  const at = `/api/v1/channels/${channel.id}`;
  const unread = async (person: typeof ada) => (await person.json<Unread>("GET", at)).unread_count;
  for (let i = 0; i < 3; i++) await post(ada, channel.id, `${i}`);
  assert.deepEqual([await unread(ada), await unread(bob)], [0, 3]);

  await using tab = await connectToChannels(app.url, bob.token);
  await using otherTab = await connectToChannels(app.url, bob.token);
  const read = { channel_id: channel.id, message_id: null, data: { type: "last_read_at" } };
  assert.deepEqual(await tab.ask("events:channel", read), { status: true });
  assert.equal(await unread(bob), 0);
  await until(() => otherTab.of("last_read_at").length === 1);

  await post(ada, channel.id, "in a thread", {
    parent_id: (await messagesOf(ada, channel.id))[0]?.id,
  });
  assert.equal(await unread(bob), 0);
  await post(ada, channel.id, "one more");
  assert.equal(await unread(bob), 1);
  // What is counted is what stands behind the position up to which one has read.
  const behind = async () => {
    const { last_read_position } = await bob.json<Unread>("GET", at);
    const said = await messagesOf(ada, channel.id);
    return said.filter(({ position }) => position > (last_read_position ?? 0))
      .map(({ content }) => content);
  };
  assert.deepEqual(await behind(), ["one more"]);
  // The one that was read last may go.
  const [, lastRead] = await messagesOf(ada, channel.id);
  await ada.json("DELETE", `${at}/messages/${lastRead?.id}/delete`);
  assert.equal(await unread(bob), 1);
  assert.deepEqual(await behind(), ["one more"]);
  await post(bob, channel.id, "seen");
  assert.deepEqual([await unread(ada), await unread(bob)], [1, 0]);

  const late = await signUp(app.url);
  await ada.json("POST", `${at}/update/members/add`, { user_ids: [late.id] });
  assert.equal(await unread(late), 0);
  await Promise.all(Array.from({ length: 105 }, (_, i) => post(ada, channel.id, `${i}`)));
  assert.equal(await unread(late), 100);
  const [listed] = await late.json<(Unread & { last_message_at: number })[]>(
    "GET",
    "/api/v1/channels/",
  );
  assert.equal(listed?.unread_count, 100);
  assert.ok(listed.last_message_at > 0);
});

Deno.test("S3: posting to a channel of 50 costs no more round trips than to one of 2", async () => {
  await using app = await startServer();
  const people = await Promise.all(Array.from({ length: 5 }, () => signUp(app.url)));
  const [ada, bob] = people;
  assert.ok(ada && bob);
  const small = await makeGroup(ada, [bob], "small");
  const large = await makeGroup(ada, people, "large");
  const { store, channels } = app.services;
  const others = Array.from({ length: 45 }, () => crypto.randomUUID());
  await channels.members.add(large.id, others, { by: ada.id, now: large.created_at });
  const listeners = await Promise.all(
    people.map(({ token }) => connectToChannels(app.url, token)),
  );
  /** What runs beside it (leases, sweeps) costs trips too: the least of several tries counts. */
  const costOf = async (channelId: string) => {
    const costs: number[] = [];
    for (let i = 0; i < 10; i++) {
      const before = store.stats().roundTrips;
      await post(ada, channelId, "hello");
      costs.push(store.stats().roundTrips - before);
    }
    return Math.min(...costs);
  };
  const [costOfSmall, costOfLarge] = [await costOf(small.id), await costOf(large.id)];
  say(`round trips of a post: ${costOfSmall} to 2 members, ${costOfLarge} to 50`);
  assert.equal(costOfLarge, costOfSmall);
  assert.ok(costOfLarge <= 12, `${costOfLarge}`);
  await until(() => listeners.every((one) => one.of("message").length >= 10));
  await Promise.all(listeners.map((one) => one[Symbol.asyncDispose]()));
});

Deno.test("a model that is mentioned answers in the thread, and the room sees it grow", async () => {
  await using app = await startServer();
  const [ada, bob] = [await signUp(app.url), await signUp(app.url)];
  const channel = await makeGroup(ada, [bob]);
  await using listener = await connectToChannels(app.url, bob.token);
  const words = Array.from({ length: 25 }, (_, i) => `word${i}`).join(" ");
  const askedAtMs = performance.now();
  const question = await post(ada, channel.id, `<@M:echo|Echo> ${words}`);
  const lastUpdate = () => listener.of("message:update").at(-1)?.data.data as ChannelMessage;
  await until(() => lastUpdate()?.meta?.done === true, { what: "the answer" });
  const tookMs = performance.now() - askedAtMs;
  const answer = lastUpdate();
  assert.equal(answer.content, words);
  assert.equal(answer.parent_id, question.id);
  assert.deepEqual([answer.meta?.model_id, answer.meta?.model_name], ["echo", "Echo"]);
  const updates = listener.of("message:update").map(({ data }) => data.data as ChannelMessage);
  for (const { content } of updates) assert.ok(words.startsWith(content));
  assert.ok(updates.some(({ content }) => content !== words), "it grows");
  // However late they arrive on a busy machine: in the whole time there can't have been more.
  const most = 1 + tookMs / 150;
  assert.ok(updates.length <= most, `${updates.length} updates in ${tookMs} ms`);
  const thread = await bob.json<ChannelMessage[]>(
    "GET",
    `/api/v1/channels/${channel.id}/messages/${question.id}/thread`,
  );
  assert.deepEqual(thread.map(({ content }) => content), [words, question.content]);

  const again = await post(bob, channel.id, "and again", {
    parent_id: question.id,
    reply_to_id: answer.id,
  });
  await until(() => lastUpdate().id !== answer.id && lastUpdate().meta?.done === true);
  assert.equal(lastUpdate().content, "and again");
  assert.equal(lastUpdate().parent_id, again.parent_id);
});

Deno.test("an answer in a channel is a task, and can be stopped", async () => {
  await using app = await startServer();
  const [ada, bob] = [await signUp(app.url), await signUp(app.url)];
  const channel = await makeGroup(ada, [bob]);
  await using listener = await connectToChannels(app.url, ada.token);
  await post(ada, channel.id, `<@M:echo|Echo> ${"word ".repeat(2_000)}`);
  await until(() => listener.of("message:update").length > 1);
  const { tasks } = await ada.json<{ tasks: string[] }>("GET", "/api/tasks");
  assert.equal(tasks.length, 1);
  const last = () => listener.of("message:update").at(-1)?.data.data as ChannelMessage;
  const stop = `/api/v1/channels/${channel.id}/messages/${last().id}/stop`;
  assert.equal(await bob.status("POST", stop), 403, "who did not ask, and manages nothing");
  assert.equal(await ada.json("POST", stop), true);
  await until(() => last().meta?.done === true, { what: "the end" });
  assert.equal(last().meta?.interrupted, true);
  assert.ok(last().content.length > 0);
  const running = app.services.store.dictionary(keys.channelAnswers);
  await until(async () => await running.get(last().id) === undefined, { what: "its record to go" });
  assert.equal(await ada.json("POST", stop), false, "nobody writes it any more");
  const stored = await ada.json<ChannelMessage>(
    "GET",
    `/api/v1/channels/${channel.id}/messages/${last().id}`,
  );
  assert.equal(stored.content, last().content);
});

Deno.test("a model that is not there is not asked, and nothing is spelled around", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const channel = await makeGroup(ada, []);
  await post(ada, channel.id, "<@M:nobody|Nobody> hello <@U:someone|Some One>");
  const messages = await messagesOf(ada, channel.id);
  assert.deepEqual(messages.map(({ reply_count }) => reply_count), [0]);
  for (const id of [`${channel.id}:messages`, "..%2Fusers", "%00", channel.id.toUpperCase()]) {
    const answer = await refusal(ada, "GET", `/api/v1/channels/${id}`);
    assert.match(answer, /404 not_found/, id);
  }
});
