import type { Logger } from "../common/logger.ts";
import type { InstanceRegistry } from "../sessions/instance_registry.ts";
import type { SocketServer } from "../transport/socket_server.ts";

/** How often sockets are let go; one that nothing went through for so long is idle. */
const EVERY_MS = 5_000;
/** It begins at so much above the mean, and at so many sockets … */
const BEGIN = { share: 0.2, sockets: 10 };
/** … and goes on until it is below this. */
const END_SHARE = 0.05;
/** When fewer than this part of those who were let go stay away, it is of no use. */
const USEFUL_PART = 0.25;

export interface BalanceOptions {
  server: Pick<SocketServer, "handOver" | "stats">;
  registry: Pick<InstanceRegistry, "tellSockets" | "socketsElsewhere">;
  /** How many sockets may be let go in a second; 0: none. */
  perSecond: number;
  logger: Logger;
  /** Default: 5,000. */
  everyMs?: number;
}

/**
 * Evens out the sockets of the instances: after a restart all of them are at the others, and would
 * stay there for hours. Whoever has more than a fifth above the mean lets idle sockets go, a few at
 * a time; they come back by themselves, through a balancer that sends them where there are fewest.
 * With one that sends them back here (by address, or by weight) it stops, until instances come or go.
 */
export class Balance implements Disposable {
  readonly #options: BalanceOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  /** What was there when it began, and how many were let go since. */
  #episode: { startedWith: number; handedOver: number } | undefined;
  /** The instances among which it was of no use. */
  #uselessAmong: string | undefined;

  constructor(options: BalanceOptions) {
    this.#options = options;
    options.registry.tellSockets(() => this.#own());
    this.#timer = setInterval(() => this.#look(), options.everyMs ?? EVERY_MS);
  }

  /** Our sockets beside the mean of all instances; without the others' word only our own. */
  stats(): { own: number; mean: number } {
    const own = this.#own();
    return { own, mean: this.#mean(own) ?? own };
  }

  #own(): number {
    const { sockets, strangers } = this.#options.server.stats();
    return sockets - strangers;
  }

  #mean(own: number): number | undefined {
    const others = [...this.#options.registry.socketsElsewhere().values()];
    let sum = own;
    for (const count of others) {
      if (count === undefined) return undefined;
      sum += count;
    }
    return sum / (others.length + 1);
  }

  #look(): void {
    const { server, registry, perSecond, logger, everyMs = EVERY_MS } = this.#options;
    const own = this.#own();
    const mean = this.#mean(own);
    if (mean === undefined) return this.#end();
    const excess = own - mean;
    const isEnough = this.#episode
      ? excess > END_SHARE * mean && excess >= 1
      : excess >= Math.max(BEGIN.sockets, BEGIN.share * mean);
    if (!isEnough || perSecond === 0) return this.#end();
    const among = [...registry.socketsElsewhere().keys()].sort().join();
    if (this.#uselessAmong === among) return;
    this.#uselessAmong = undefined;
    if (this.#episode === undefined) {
      this.#episode = { startedWith: own, handedOver: 0 };
      logger.info("more sockets here than elsewhere: idle ones are let go", {
        own,
        mean: Math.round(mean),
      });
    }
    const { startedWith, handedOver } = this.#episode;
    if (handedOver >= BEGIN.sockets && startedWith - own < USEFUL_PART * handedOver) {
      this.#uselessAmong = among;
      logger.warn(
        "sockets that were let go come back here, so none are any more: " +
          "the balancer should send them to the instance with the fewest connections",
        { handedOver, own, mean: Math.round(mean) },
      );
      return this.#end();
    }
    const most = Math.ceil(Math.min(excess, perSecond * everyMs / 1_000));
    this.#episode.handedOver += server.handOver(most);
  }

  #end(): void {
    this.#episode = undefined;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
