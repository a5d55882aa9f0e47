/** The contract of the state store, over a KV Connect server. */
import { silentLogger as logger } from "../../lib/common/logger.ts";
import { openKvStore } from "../../lib/state/kv_store.ts";
import { kvConnectAvailable, KvConnectServer } from "../support/kv_connect_server.ts";
import { runStateStoreContract } from "./state_store_contract.ts";

let server: KvConnectServer | undefined;
let runs = 0;

if (kvConnectAvailable()) {
  Deno.test.beforeAll(async () => {
    server = await KvConnectServer.start();
  });
  Deno.test.afterAll(async () => await server?.[Symbol.asyncDispose]());

  runStateStoreContract("kv connect", async () => {
    // A prefix of its own for each test keeps them apart on the shared server.
    const options = { path: server?.url, keyPrefix: `run ${runs++}`, logger };
    const reopen = () => openKvStore(options);
    const store = await reopen();
    return { store, reopen, dispose: async () => await store[Symbol.asyncDispose]() };
  });
} else {
  Deno.test.ignore("kv connect: the contract needs denokv", () => {});
}
