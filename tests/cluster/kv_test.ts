import { KvBuses } from "../bus/support/kv_buses.ts";
import { memoryBus } from "../bus/support/bus_contract.ts";
import { kvConnectAvailable, KvConnectServer } from "../support/kv_connect_server.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { runClusterContract } from "./support/cluster_contract.ts";

runClusterContract("kv memory", memoryBus);

runClusterContract("kv file, a handle an instance", async () => {
  const folder = await tempFolder();
  const buses = new KvBuses(`${folder.path}/kv`);
  return {
    openBus: () => buses.open(),
    async [Symbol.asyncDispose]() {
      await buses[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
});

runClusterContract("kv connect", async () => {
  const server = await KvConnectServer.start();
  const buses = new KvBuses(server.url);
  return {
    openBus: () => buses.open(),
    async [Symbol.asyncDispose]() {
      await buses[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}, { ignore: !kvConnectAvailable() });
