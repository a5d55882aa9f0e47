import type { Bus } from "../../../lib/bus/bus.ts";
import { openKvBus } from "../../../lib/bus/kv_bus.ts";
import { silentLogger as logger } from "../../../lib/common/logger.ts";
import { openKvDatabase } from "../../../lib/state/kv_database.ts";
import { KvConnectServer } from "../../support/kv_connect_server.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import type { BusUnderTest } from "./bus_contract.ts";

/** Buses on one database, each with a handle of its own, as processes have. */
export class KvBuses implements BusUnderTest {
  readonly openBus = () => this.#open();
  readonly takeAway: BusUnderTest["takeAway"];
  readonly #path: string;
  readonly #stack: AsyncDisposableStack;

  private constructor(path: string, stack: AsyncDisposableStack) {
    this.#path = path;
    this.#stack = stack;
  }

  static async onFile(): Promise<KvBuses> {
    const stack = new AsyncDisposableStack();
    const { path } = stack.use(await tempFolder());
    return new KvBuses(`${path}/kv`, stack);
  }

  static async onServer(): Promise<KvBuses> {
    const stack = new AsyncDisposableStack();
    const server = stack.use(await KvConnectServer.start());
    const takeAway = () => {
      server.pause();
      return Promise.resolve(() => server.resume());
    };
    return Object.assign(new KvBuses(server.url, stack), { takeAway });
  }

  async #open(): Promise<Bus> {
    const database = await openKvDatabase(this.#path);
    this.#stack.defer(() => database.client.close());
    return this.#stack.use(await openKvBus({ database, keyPrefix: "t", logger }));
  }

  /** A writer whose second text of three has expired before it was read. */
  async lose(channel = "nobody"): Promise<void> {
    const kv = await Deno.openKv(this.#path);
    const log = (n: number) => ["t", "relay", "log", "w", n];
    await kv.atomic()
      .set(["t", "relay", "head", "w"], [3, "a"])
      .set(log(1), [`own ${channel}`, "first"])
      .set(log(3), [`own ${channel}`, "third"])
      .commit();
    kv.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
