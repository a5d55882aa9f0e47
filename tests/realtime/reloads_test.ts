import assert from "node:assert/strict";
import { pause } from "../../lib/common/pause.ts";
import { Reloads } from "../../lib/realtime/reloads.ts";
import type { RealtimeServer, RealtimeSocket } from "../../lib/realtime/session.ts";
import { until } from "../support/until.ts";

/** Sockets that look at one chat each, and what they are told, in order. */
function looking(chatIds: readonly string[]) {
  const told: string[] = [];
  const sockets = new Map(chatIds.map((chatId) => {
    const emit = (_name: string, { chat_id, data }: { chat_id: string; data: { type: string } }) =>
      void told.push(`${chat_id} ${data.type}`);
    return [`socket of ${chatId}`, { id: `socket of ${chatId}`, chatId, emit }];
  }));
  const io = { sockets: { sockets } } as unknown as RealtimeServer;
  const chatsOf = (socket: RealtimeSocket) => [(socket as unknown as { chatId: string }).chatId];
  const timesOf = (chatId: string) =>
    told.filter((each) => each === `${chatId} chat:reload`).length;
  return { io, chats: { chatsOf }, sockets, told, timesOf };
}

Deno.test("after a gap all are told to read, first those whose chat is spoken of, so many a second", async () => {
  const at = looking(Array.from({ length: 40 }, (_, n) => `c${n}`));
  using reloads = new Reloads({ ...at, perSecond: 100, againMs: 60_000 });
  reloads.heard("c33");
  const sinceMs = performance.now();
  reloads.tellAll();
  assert.equal(at.told[0], "c33 chat:reload");
  assert.ok(at.told.length <= 5, "not all at once");
  at.sockets.delete("socket of c39");
  await until(() => at.told.length === 39, { what: "all who are still there" });
  assert.ok(performance.now() - sinceMs > 300);
  assert.deepEqual(new Set(at.told).size, 39, "each once");
});

Deno.test("a chat that was spoken of, and is silent since the gap, is read once more", async () => {
  const at = looking(["going on", "silent", "at rest"]);
  using reloads = new Reloads({ ...at, againMs: 200 });
  reloads.heard("going on");
  reloads.heard("silent");
  await pause(2);
  reloads.tellAll();
  reloads.heard("going on");
  await until(() => at.timesOf("silent") === 2, { what: "the second word to reload" });
  await pause(100);
  assert.deepEqual(["going on", "silent", "at rest"].map(at.timesOf), [1, 2, 1]);
});
