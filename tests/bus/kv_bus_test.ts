import { kvConnectAvailable } from "../support/kv_connect_server.ts";
import { memoryBus, runBusContract } from "./support/bus_contract.ts";
import { KvBuses } from "./support/kv_buses.ts";

runBusContract("kv memory", memoryBus);
runBusContract("kv file", KvBuses.onFile);
runBusContract("kv connect", KvBuses.onServer, { ignore: !kvConnectAvailable() });
