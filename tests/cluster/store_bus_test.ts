import { storeBus } from "../../lib/cluster/store_bus.ts";
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import { runClusterContract } from "./support/cluster_contract.ts";

runClusterContract("kv memory", async () => {
  const store = await openKvStore({ path: ":memory:", keyPrefix: "t", logger });
  return {
    openBus: () => Promise.resolve(storeBus(store, logger)),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
});
