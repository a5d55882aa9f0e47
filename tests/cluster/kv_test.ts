import { memoryBus } from "../bus/support/bus_contract.ts";
import { KvBuses } from "../bus/support/kv_buses.ts";
import { kvConnectAvailable } from "../support/kv_connect_server.ts";
import { runClusterContract } from "./support/cluster_contract.ts";

runClusterContract("kv memory", memoryBus);
runClusterContract("kv file, a handle an instance", KvBuses.onFile);
runClusterContract("kv connect", KvBuses.onServer, { ignore: !kvConnectAvailable() });
