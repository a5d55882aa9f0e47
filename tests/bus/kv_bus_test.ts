import { kvConnectAvailable, KvConnectServer } from "../support/kv_connect_server.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { memoryBus, runBusContract } from "./support/bus_contract.ts";
import { KvBuses } from "./support/kv_buses.ts";

runBusContract("kv memory", memoryBus);

/** A writer whose second text of three has expired before it was read. */
async function loseOn(path: string): Promise<void> {
  const kv = await Deno.openKv(path);
  const log = (n: number) => ["t", "relay", "log", "w", n];
  await kv.atomic()
    .set(["t", "relay", "head", "w"], [3, "a"])
    .set(log(1), ["own nobody", "first"])
    .set(log(3), ["own nobody", "third"])
    .commit();
  kv.close();
}

runBusContract("kv file", async () => {
  const folder = await tempFolder();
  const path = `${folder.path}/kv`;
  const buses = new KvBuses(path);
  return {
    openBus: () => buses.open(),
    lose: () => loseOn(path),
    async [Symbol.asyncDispose]() {
      await buses[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
});

runBusContract("kv connect", async () => {
  const server = await KvConnectServer.start();
  const buses = new KvBuses(server.url);
  return {
    openBus: () => buses.open(),
    lose: () => loseOn(server.url),
    takeAway() {
      server.pause();
      return Promise.resolve(() => server.resume());
    },
    async [Symbol.asyncDispose]() {
      await buses[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}, { ignore: !kvConnectAvailable() });
