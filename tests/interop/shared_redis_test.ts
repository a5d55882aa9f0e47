/**
 * Redis as Open WebUI's Python instances read and write it: plain commands stand in for them, so
 * that nothing of theirs is needed.
 */
import assert from "node:assert/strict";
import type { App } from "../../lib/app.ts";
import { openRedisBus } from "../../lib/bus/redis_bus.ts";
import { silentLogger } from "../../lib/common/logger.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { redisAvailable, RedisServer } from "../support/redis_server.ts";
import { connect, type Person, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { ask, message, newChat } from "../e2e/support/chat.ts";

/** Open WebUI's `REDIS_TASK_TTL`. */
const TASK_SECONDS = 300;

interface Fixture {
  app: App;
  url: string;
  redis: (...command: string[]) => Promise<string>;
  /** The admin. */
  ada: Person;
}

function besideOpenWebui(name: string, scenario: (fixture: Fixture) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !redisAvailable(),
    async fn() {
      await using server = await RedisServer.start();
      await using provider = startModelProvider();
      provider.script = { tokens: Array.from({ length: 5_000 }, (_, i) => `w${i} `), paceMs: 5 };
      await using app = await startServer({
        WEBSOCKET_MANAGER: "redis",
        WEBSOCKET_REDIS_URL: server.url,
        OPENAI_API_BASE_URL: provider.baseUrl,
      });
      const redis = (...command: string[]) => server.command(...command);
      await scenario({ app, url: server.url, redis, ada: await signUp(app.url) });
    },
  });
}

besideOpenWebui(
  "a task stands in Redis as Open WebUI reads it, and its stop ends it",
  async (fixture) => {
    const { redis, ada } = fixture;
    const chatId = await newChat(ada, "titled");
    const taskId = await ask(ada, chatId);
    assert.equal(await redis("HGET", "open-webui:tasks", taskId), chatId);
    assert.equal(await redis("SMEMBERS", `open-webui:tasks:item:${chatId}`), taskId);
    // Without it, whoever lists the tasks takes this one for dead and removes it.
    const left = Number(await redis("TTL", `open-webui:tasks:${taskId}`));
    assert.ok(left > 0 && left <= TASK_SECONDS, `${left} s`);
    const stream = await until(
      async () =>
        JSON.parse(await redis("HGET", "open-webui:tasks:response_streams", taskId) || "null"),
      { what: "the stream's record" },
    );
    const { content } = stream;
    assert.match(content, /^w0 w1 /);
    const output = [{
      ...{ type: "message", role: "assistant", content: [{ type: "output_text", text: content }] },
    }];
    assert.deepEqual(stream, { chat_id: chatId, message_id: "a", content, output });

    const stop = JSON.stringify({ action: "stop", task_id: taskId });
    assert.equal(await redis("PUBLISH", "open-webui:tasks:commands", stop), "1");
    const stopped = await until(async () => {
      const answer = await message(ada, chatId);
      return answer.done ? answer : undefined;
    }, { what: "the end" });
    assert.equal(stopped.interrupted, true);
    await until(async () => await redis("KEYS", "open-webui:tasks*") === "", { what: "no record" });
  },
);

besideOpenWebui("a task of Open WebUI's own is an admin's to see and to stop", async (fixture) => {
  const { app, redis, ada } = fixture;
  const bob = await signUp(app.url);
  await redis("HSET", "open-webui:tasks", "python-task", "python-chat");
  await redis("SADD", "open-webui:tasks:item:python-chat", "python-task");
  const seen = async (who: Person) => ({
    all: (await who.json<{ tasks: string[] }>("GET", "/api/tasks")).tasks,
    ofChat: (await who.json<{ task_ids: string[] }>("GET", "/api/tasks/chat/python-chat")).task_ids,
  });
  assert.deepEqual(await seen(ada), { all: ["python-task"], ofChat: ["python-task"] });
  assert.deepEqual(await seen(bob), { all: [], ofChat: [] });

  const heard: string[] = [];
  await using bus = await openRedisBus({ url: fixture.url, logger: silentLogger });
  await bus.plain.listen("open-webui:tasks:commands", {
    onMessage: (text) => void heard.push(text),
  }).live;
  for (const path of ["stop/python-task", "chat/python-chat/stop"]) {
    assert.equal(await bob.status("POST", `/api/tasks/${path}`), 404);
    assert.equal(await ada.status("POST", `/api/tasks/${path}`), 200);
  }
  await until(() => heard.length >= 2, { what: "two commands" });
  assert.deepEqual(
    heard.map((text) => JSON.parse(text)),
    Array.from({ length: 2 }, () => ({ action: "stop", task_id: "python-task" })),
  );
});

besideOpenWebui("sessions, usage and revocations are read in both directions", async (fixture) => {
  const { app, redis, ada } = fixture;
  const now = Math.floor(Date.now() / 1_000);
  const bob = await signUp(app.url);
  await redis(
    "HSET",
    "open-webui:session_pool",
    "py",
    JSON.stringify({ id: bob.id, last_seen_at: now }),
  );
  await redis("HSET", "open-webui:usage_pool", "py-model", `{"py": {"updated_at": ${now}}}`);
  assert.deepEqual(await ada.json("GET", "/api/usage"), {
    model_ids: ["py-model"],
    user_ids: [bob.id],
  });
  await using client = await connect(app.url, bob.token);
  const { socket } = client;
  await socket.emitWithAck("usage", { model: "py-model" });
  const pool = await until(async () => {
    const text = await redis("HGET", "open-webui:usage_pool", "py-model");
    return text.includes(socket.id ?? "?") ? JSON.parse(text) : undefined;
  }, { what: "the ping" });
  assert.deepEqual(Object.keys(pool).sort(), [socket.id, "py"].sort());
  const session = await until(async () => {
    const text = await redis("HGET", "open-webui:session_pool", socket.id ?? "");
    return text ? JSON.parse(text) : undefined;
  }, { what: "the session" });
  assert.equal(session.id, bob.id);
  assert.ok(Math.abs(session.last_seen_at - now) < 10);
  for (const hidden of ["profile_image_url", "bio", "gender", "date_of_birth"]) {
    assert.ok(!(hidden in session), hidden);
  }

  const jti = JSON.parse(atob(ada.token.split(".")[1] ?? "")).jti;
  await redis("SET", `open-webui:auth:token:${jti}:revoked`, "1", "EX", "60");
  assert.equal(await ada.status("GET", "/api/v1/auths/"), 401);
  await redis("SET", `open-webui:auth:user:${bob.id}:revoked_at`, String(now + 5), "EX", "60");
  assert.equal(await bob.status("GET", "/api/v1/auths/"), 401);

  const eve = await signUp(app.url);
  await eve.json("POST", "/api/v1/auths/signout");
  const { jti: own, exp } = JSON.parse(atob(eve.token.split(".")[1] ?? ""));
  const key = `open-webui:auth:token:${own}:revoked`;
  assert.equal(await redis("GET", key), "1");
  assert.ok(Math.abs(Number(await redis("TTL", key)) - (exp - now)) < 10);
});
