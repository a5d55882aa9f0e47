import type { Channels, Listening } from "../bus/bus.ts";
import { errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import {
  BASE_CHANNEL,
  type BridgeMessage,
  type CloseRoomMessage,
  type DisconnectMessage,
  type EmitMessage,
  readBridgeMessage,
  roomChannel,
  type RoomMessage,
  UnreadableMessage,
  writeCallback,
} from "./messages.ts";

/** What Python's processes want of the sockets of this instance. */
export interface LocalSockets {
  /** To the local members of the rooms, or to all; never onto our own bus: each instance hears Python. */
  emit(message: EmitMessage): void;
  /** Asks a local socket, and hands over its answer's arguments; does nothing for any other. */
  call(message: EmitMessage & { callback: object }, answered: (args: unknown[]) => void): void;
  /** Does nothing for a socket that is not here. */
  move(message: RoomMessage): void;
  disconnect(message: DisconnectMessage): void;
  close(message: CloseRoomMessage): void;
}

export interface BridgeStats {
  /** Messages that were taken since the start, by what they want. */
  taken: Readonly<Record<BridgeMessage["method"], number>>;
  /** Messages that could not be read. */
  unreadable: number;
  /** Channels that are listened to now. */
  channels: number;
}

export interface BridgeOptions {
  /** Channels by their exact names, on the Redis that python-socketio uses. */
  channels: Channels;
  logger: Logger;
  /** The subscription was lost and is back: what Python said meanwhile is lost. */
  onGap(): void;
}

/**
 * The other end of python-socketio's `AsyncRedisManager`: hears what Open WebUI's Python processes say
 * to sockets, and answers their calls. It listens to the channel of all and to that of each room with a
 * local member, so that it needs to know neither the version of Python nor its settings.
 */
export class Bridge implements Disposable {
  readonly #options: BridgeOptions;
  readonly #listening = new Set<Listening>();
  readonly #taken = {
    emit: 0,
    enter_room: 0,
    leave_room: 0,
    disconnect: 0,
    close_room: 0,
    callback: 0,
  };
  readonly #reasons = new Set<string>();
  #unreadable = 0;
  #sockets: LocalSockets | undefined;

  constructor(options: BridgeOptions) {
    this.#options = options;
  }

  /** Hands over to the sockets what comes from now on; resolves when Python is heard. */
  async serve(sockets: LocalSockets): Promise<void> {
    this.#sockets = sockets;
    await this.#listen(BASE_CHANNEL).live;
  }

  /** Listens to a room, which may be a socket's id, until the answer's `stop`. */
  listenTo(room: string): Listening {
    return this.#listen(roomChannel(room));
  }

  stats(): BridgeStats {
    return {
      taken: { ...this.#taken },
      unreadable: this.#unreadable,
      channels: this.#listening.size,
    };
  }

  #listen(channel: string): Listening {
    const { channels, onGap } = this.#options;
    const listening = channels.listen(channel, { onMessage: (text) => this.#take(text), onGap });
    const own: Listening = {
      live: listening.live,
      stop: () => {
        listening.stop();
        this.#listening.delete(own);
      },
    };
    this.#listening.add(own);
    return own;
  }

  #take(text: string): void {
    try {
      const message = readBridgeMessage(text);
      if (message === undefined) return;
      this.#taken[message.method]++;
      this.#serve(message);
    } catch (thrown) {
      this.#unreadable++;
      const reason = errorText(thrown);
      // Once a reason: a foreign program that publishes here would fill the log otherwise.
      if (!(thrown instanceof UnreadableMessage) || this.#reasons.has(reason)) return;
      this.#reasons.add(reason);
      this.#options.logger.warn("a message of Open WebUI can't be read", { reason });
    }
  }

  #serve(message: BridgeMessage): void {
    const sockets = this.#sockets;
    switch (message.method) {
      case "emit": {
        const { callback, hostId } = message;
        if (!callback) return sockets?.emit(message);
        return sockets?.call(
          { ...message, callback },
          (args) => this.#answer({ hostId, ...callback, args }),
        );
      }
      case "enter_room":
      case "leave_room":
        return sockets?.move(message);
      case "disconnect":
        return sockets?.disconnect(message);
      case "close_room":
        return sockets?.close(message);
      case "callback":
        // An answer for one of Python's own processes: nothing here ever calls through Python.
        return;
    }
  }

  #answer(answer: { hostId: string; sid: string; id: number; args: unknown[] }): void {
    this.#options.channels.publish(BASE_CHANNEL, writeCallback(answer)).catch((thrown) =>
      this.#options.logger.warn("Open WebUI's call gets no answer", { error: errorText(thrown) })
    );
  }

  [Symbol.dispose](): void {
    for (const listening of [...this.#listening]) listening.stop();
  }
}
