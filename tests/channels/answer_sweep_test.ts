import assert from "node:assert/strict";
import { answerSweepJob, type RunningAnswer } from "../../lib/channels/answer_sweep.ts";
import type { ChannelMessage } from "../../lib/protocol/channel.ts";
import { keys } from "../../lib/state/key_space.ts";
import { signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { connectToChannels, makeGroup } from "./fixture.ts";

Deno.test("T8: an answer whose instance died keeps what there was and is marked interrupted", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const channel = await makeGroup(ada, []);
  await using listener = await connectToChannels(app.url, ada.token);
  const { services: { store, channels }, sockets: { channels: { conversation } } } = app;
  const answers = store.dictionary<RunningAnswer>(keys.channelAnswers);
  const writeAs = async (instance_id: string, content: string) => {
    const { id } = await channels.messages.post(channel.id, ada.id, {
      content,
      meta: { model_id: "echo", model_name: "Echo", done: false },
    });
    await answers.set(id, { channel_id: channel.id, user_id: ada.id, instance_id });
    return id;
  };
  const [lost, alive] = [await writeAs("gone", "half an"), await writeAs(app.instanceId, "")];
  const job = answerSweepJob({ store, conversation, everyMs: 1_000 });
  await job.sweep({
    signal: new AbortController().signal,
    deadAmong: (ids) => app.services.registry.deadAmong(ids),
  });
  await until(() => listener.of("message:update").length === 1);
  const [told] = listener.of("message:update").map(({ data }) => data.data as ChannelMessage);
  assert.equal(told?.id, lost);
  assert.equal(told.content, "half an");
  assert.deepEqual([told.meta?.done, told.meta?.interrupted], [true, true]);
  assert.equal(await answers.get(lost), undefined);
  assert.equal((await channels.messages.get(channel.id, alive)).meta?.done, false);
  assert.ok(await answers.get(alive));
});

Deno.test("nobody can pass a message off as a model's", async () => {
  await using app = await startServer();
  const ada = await signUp(app.url);
  const channel = await makeGroup(ada, []);
  const at = `/api/v1/channels/${channel.id}/messages`;
  const meta = { model_id: "echo", model_name: "Echo", done: false, own: 1 };
  const body = { content: "I am a model", meta };
  const message = await ada.json<ChannelMessage>("POST", `${at}/post`, body);
  assert.deepEqual(message.meta, { own: 1 });
  const changed = await ada.json<ChannelMessage>("POST", `${at}/${message.id}/update`, body);
  assert.deepEqual(changed.meta, { own: 1 });
});
