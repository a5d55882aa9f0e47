import * as v from "valibot";
import { deadline } from "../common/deadline.ts";
import { AppError, errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { Listening } from "./bus.ts";
import type { ReliableTransport } from "./reliable_transport.ts";
import { subscription } from "./subscription.ts";
import type { MessageHandlers, Subscription, Topic, Topics } from "./topics.ts";

type Handlers = Pick<MessageHandlers<unknown>, "onMessage"> & { onMissed(): void };

/** A topic that somebody here subscribes to: one listening, however many they are. */
interface Subscribed {
  readonly handlers: Set<Handlers>;
  readonly listening: Listening;
}

export interface TransportTopicsOptions {
  transport: ReliableTransport;
  logger: Logger;
  /** How long `publish` waits for the bus. Default: 5,000. */
  publishTimeoutMs?: number;
}

/** Topics over the transport that an instance has. */
export class TransportTopics implements Topics {
  readonly #transport: ReliableTransport;
  readonly #logger: Logger;
  readonly #publishTimeoutMs: number;
  readonly #subscribed = new Map<string, Subscribed>();

  constructor({ transport, logger, publishTimeoutMs = 5_000 }: TransportTopicsOptions) {
    this.#transport = transport;
    this.#logger = logger;
    this.#publishTimeoutMs = publishTimeoutMs;
  }

  async publish<T>(topic: Topic<T>, message: T): Promise<void> {
    const taken = this.#transport.deliver(channelOf(topic), message);
    await deadline(taken, this.#publishTimeoutMs, notYet);
  }

  async announce<T>(topic: Topic<T>, message: T): Promise<void> {
    this.#each(topic.name, ({ onMessage }) => onMessage(message));
    await this.publish(topic, message);
  }

  isHeard(): boolean {
    return !this.#transport.isAlone;
  }

  subscribe<T>(topic: Topic<T>, { onMessage, onGap }: MessageHandlers<T>): Subscription {
    return subscription(
      topic.name,
      (onMissed) => this.#listen(topic, { onMessage: (given) => onMessage(given as T), onMissed }),
      onGap,
      this.#logger,
    );
  }

  #listen(topic: Topic<unknown>, handlers: Handlers): Listening {
    const { name } = topic;
    const subscribed = this.#subscribed.get(name) ?? this.#begin(topic);
    subscribed.handlers.add(handlers);
    const stop = () => {
      subscribed.handlers.delete(handlers);
      if (subscribed.handlers.size > 0 || this.#subscribed.get(name) !== subscribed) return;
      this.#subscribed.delete(name);
      subscribed.listening.stop();
    };
    return { live: subscribed.listening.live, stop };
  }

  #begin(topic: Topic<unknown>): Subscribed {
    const { name } = topic;
    const listening = this.#transport.listen(channelOf(topic), {
      onMessage: (given) => {
        const message = this.#read(topic, given);
        if (message) this.#each(name, ({ onMessage }) => onMessage(message.output));
      },
      onGap: () => this.#each(name, ({ onMissed }) => onMissed()),
    });
    const subscribed = { handlers: new Set<Handlers>(), listening };
    this.#subscribed.set(name, subscribed);
    return subscribed;
  }

  #read({ name, schema }: Topic<unknown>, given: unknown): { output: unknown } | undefined {
    const result = v.safeParse(schema, given);
    if (result.success) return result;
    // A newer instance may say what this one does not know; one odd message ends nothing.
    const [issue] = result.issues;
    this.#logger.warn("bus: a message can't be read", { topic: name, error: issue.message });
  }

  /** One subscriber that fails takes nothing from the others. */
  #each(name: string, call: (handlers: Handlers) => void): void {
    for (const handlers of [...this.#subscribed.get(name)?.handlers ?? []]) {
      try {
        call(handlers);
      } catch (thrown) {
        const error = errorText(thrown);
        this.#logger.error("bus: a subscriber failed", { topic: name, error });
      }
    }
  }
}

const notYet = () => new AppError("unavailable", "Other instances can't be told yet.");
const channelOf = ({ name }: Topic<unknown>) => `topic#${name}`;
