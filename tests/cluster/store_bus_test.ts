import { storeBus } from "../../lib/cluster/store_bus.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import type { StateStore } from "../../lib/state/state_store.ts";
import { kvConnectAvailable, KvConnectServer } from "../support/kv_connect_server.ts";
import { runClusterContract } from "./support/cluster_contract.ts";

runClusterContract("kv memory", async () => {
  const store = await openKvStore({ path: ":memory:", keyPrefix: "t", logger });
  return {
    openBus: () => Promise.resolve(storeBus(store, logger)),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
});

runClusterContract("kv file, a handle an instance", async () => {
  const dir = await Deno.makeTempDir();
  const stores: StateStore[] = [];
  return {
    async openBus() {
      const store = await openKvStore({ path: `${dir}/kv`, keyPrefix: "t", logger });
      stores.push(store);
      return storeBus(store, logger);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
      await Deno.remove(dir, { recursive: true });
    },
  };
});

if (kvConnectAvailable()) {
  runClusterContract("kv connect", async () => {
    const server = await KvConnectServer.start();
    const stores: StateStore[] = [];
    return {
      async openBus() {
        const store = await openKvStore({ path: server.url, keyPrefix: "t", logger });
        stores.push(store);
        return storeBus(store, logger);
      },
      async [Symbol.asyncDispose]() {
        await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
        await server[Symbol.asyncDispose]();
      },
    };
  });
} else {
  Deno.test.ignore("kv connect: the contract of the bus needs denokv", () => {});
}
