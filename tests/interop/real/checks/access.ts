import assert from "node:assert/strict";
import { until } from "../../../support/until.ts";
import type { Check } from "./check.ts";

export const accessChecks: Check[] = [
  {
    name: "a change of role ends the user's sockets; they come back by what they may now",
    async run(world) {
      const bob = await world.person("Bob");
      using tab = await bob.tab();
      const reasons: string[] = [];
      tab.socket.on("disconnect", (reason) => void reasons.push(reason));
      await world.admin.api("POST", `/api/v1/users/${bob.id}/update`, {
        ...{ role: "pending", name: bob.name, email: `${bob.id}@example.com` },
        profile_image_url: "/user.png",
      });
      await until(() => reasons.length > 0, { what: "the disconnect" });
      assert.deepEqual(reasons, ["io server disconnect"]);
      return reasons.join();
    },
  },
  {
    name: "signing out ends the token for sockets, too",
    async run(world) {
      const bob = await world.person("Bob");
      using tab = await bob.tab();
      await bob.api("POST", "/api/v1/auths/signout");
      await until(() => !tab.socket.connected, { what: "the socket's end", limitMs: 45_000 });
      tab.socket.connect();
      await until(() => tab.socket.connected, { what: "the socket, again" });
      const joined = await tab.socket.timeout(5_000).emitWithAck("user-join", {
        auth: { token: bob.token },
      }).catch(() => undefined);
      assert.ok(!joined?.id, "the token counts no more");
      return "ended, and not let in again";
    },
  },
  {
    name: "a deleted user's sockets end",
    async run(world) {
      const bob = await world.person("Bob");
      using tab = await bob.tab();
      await world.admin.api("DELETE", `/api/v1/users/${bob.id}`);
      await until(() => !tab.socket.connected, { what: "the socket's end", limitMs: 45_000 });
      return "ended";
    },
  },
  {
    name: "Python reads the pools: sessions and models in use, without anybody's settings",
    async run({ admin, redis }) {
      using tab = await admin.tab();
      const entry = await until(async () => {
        const text = await redis.command("HGET", "open-webui:session_pool", tab.sid);
        return text === "" ? undefined : JSON.parse(text);
      }, { what: "the session" });
      assert.equal(entry.id, admin.id);
      assert.ok(entry.last_seen_at > 1_700_000_000);
      tab.socket.emit("usage", { model: "interop-model", action: "chat", chat_id: null });
      const models = await until(async () => {
        tab.socket.emit("usage", { model: "interop-model", action: "chat", chat_id: null });
        const { model_ids } = await admin.api<{ model_ids: string[] }>("GET", "/api/usage");
        return model_ids.includes("interop-model") ? model_ids : undefined;
      }, { what: "the model in use", everyMs: 200 });
      tab.socket.disconnect();
      await until(
        async () => await redis.command("HGET", "open-webui:session_pool", tab.sid) === "",
        { what: "the session's end" },
      );
      return `${Object.keys(entry).sort().join(", ")}; ${models.join()}`;
    },
  },
];
