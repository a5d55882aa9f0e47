import { type KvBusOptions, openKvBus } from "../../../lib/bus/kv_bus.ts";
import { silentLogger as logger } from "../../../lib/common/logger.ts";
import { openKvDatabase } from "../../../lib/state/kv_database.ts";
import type { Bus } from "../../../lib/bus/bus.ts";

/** Opens buses on one database, each with a handle of its own, as processes have. */
export class KvBuses implements AsyncDisposable {
  readonly #path: string;
  readonly #stack = new AsyncDisposableStack();

  constructor(path: string) {
    this.#path = path;
  }

  async open(options: Partial<KvBusOptions> = {}): Promise<Bus> {
    const database = await openKvDatabase(this.#path);
    this.#stack.defer(() => database.client.close());
    return this.#stack.use(await openKvBus({ database, keyPrefix: "t", logger, ...options }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
