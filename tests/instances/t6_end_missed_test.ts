import assert from "node:assert/strict";
import { chatEventHandler } from "../../lib/client/chats.ts";
import { connect } from "../../lib/client/connect.ts";
import { signUp, startServer } from "../support/server.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";
import { ask, message, newChat } from "../e2e/support/chat.ts";
import { inModes } from "../support/instances.ts";

const TOKENS = Array.from({ length: 300 }, (_, i) => `${i}·é🙂 `);

inModes(
  ["redis"],
  "T6: a reader whose instance was cut off while the answer ended has it whole when it is back",
  async ({ a, env, redis, provider }) => {
    assert.ok(redis);
    await using proxy = new TcpProxy(redis.port);
    await using far = await startServer({
      ...env,
      WEBSOCKET_REDIS_URL: `redis://127.0.0.1:${proxy.port}/0`,
    });
    provider.script = { tokens: TOKENS, paceMs: 3 };
    const ada = await signUp(a.url);
    using connection = connect({ url: far.url, token: ada.token });
    using chats = chatEventHandler(connection);
    await until(() => connection.status.state === "online", { what: "the reader" });
    const session = connection.sessionId;
    const chatId = await newChat(ada, "titled");
    using followed = chats.follow({ chatId, messageId: "a", resume: false });
    await ask(ada, chatId);
    await until(() => followed.snapshot.content.includes("50·"), { what: "some of the answer" });
    proxy.cut();
    await until(async () => (await message(ada, chatId)).done, {
      what: "the end",
    });
    assert.equal(followed.snapshot.isDone, false, "the reader heard through a cut line");
    proxy.heal();
    await until(() => followed.snapshot.isDone, { what: "the reader's end" });
    assert.equal(followed.snapshot.content, TOKENS.join(""));
    assert.equal(connection.sessionId, session, "its socket was never cut");
    connection.close();
    await until(() => connection.isIdle, { what: "the connection's end" });
  },
  { servers: 1 },
);
