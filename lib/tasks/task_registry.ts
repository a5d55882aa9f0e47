import * as v from "valibot";
import type { NamedChannel, Subscription } from "../bus/topics.ts";
import { type Clock, systemClock } from "../common/clock.ts";
import { AppError, errorText, isAbort } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { settledWithin } from "../common/deadline.ts";
import { pause } from "../common/pause.ts";
import { STOPPED } from "../common/stopped.ts";
import type { TaskOwner } from "../state/records.ts";
import type { StateStore } from "../state/state_store.ts";
import { LIFE_SIGN_MS, TaskRecords } from "./task_records.ts";

/** Who asks. */
export interface Requester {
  userId: string;
  admin: boolean;
}

/** What a task is for. Tasks of one item and different kinds never meet (docs/protocol.md, section 10.5). */
export interface TaskSubject {
  itemId: string;
  userId: string;
  kind: string;
}

export interface StopAnswer {
  status: boolean;
  message: string;
}

export interface TaskRegistryOptions {
  store: StateStore;
  /** `{prefix}:tasks:commands`, where Open WebUI's instances tell each other of stops. */
  commands: NamedChannel;
  instanceId: string;
  logger: Logger;
  clock?: Clock;
  /** A user's tasks at a time, on this instance. Default: 32. */
  maxTasksPerUser?: number;
  /** How often stops that no message told of are looked for. Default: 2,000. */
  pollMs?: number;
}

interface LocalTask {
  owner: TaskOwner;
  controller: AbortController;
  /** Fulfilled when the work has ended and its records are gone, or wait to be. */
  ended: Promise<void>;
  /** The last write of its records, which comes before their deletion. */
  written: Promise<void>;
  over: boolean;
}

/** Tasks that ended while the store was away; what is beyond is left to the sweep. */
const MAX_WAITING_CLEANUPS = 10_000;
/** Open WebUI's own kind of task, listed by chat. */
const COMPLETION = "completion";

const CommandSchema = v.object({ action: v.literal("stop"), task_id: v.string() });

/** Runs work that can be listed and stopped from every instance (docs/protocol.md, section 8). */
export class TaskRegistry implements AsyncDisposable {
  readonly #options: Required<TaskRegistryOptions>;
  readonly #records: TaskRecords;
  readonly #local = new Map<string, LocalTask>();
  readonly #perUser = new Map<string, number>();
  /** task id → item id */
  readonly #cleanups = new Map<string, string>();
  readonly #stop = new AbortController();
  #subscription: Subscription | undefined;
  #running: Promise<unknown> | undefined;
  #lifeShownAtMs = -Infinity;
  #draining = false;

  constructor(options: TaskRegistryOptions) {
    this.#options = { clock: systemClock, maxTasksPerUser: 32, pollMs: 2_000, ...options };
    this.#records = new TaskRecords(options.store);
  }

  /** Listens for stops from other instances. */
  start(): void {
    this.#subscription ??= this.#options.commands.subscribe({
      onMessage: (message) => this.#onMessage(message),
      onGap: () => this.#reconcile(),
    });
    this.#running ??= this.#keepPolling();
  }

  /** How many tasks run here. */
  get size(): number {
    return this.#local.size;
  }

  /**
   * Starts the work once the task stands in the store, and returns the task's id. The work's failure
   * is logged. Throws `rate_limited` when the user has too many, `unavailable` without the store.
   */
  async run(
    { itemId, userId, kind }: TaskSubject,
    work: (signal: AbortSignal, taskId: string) => Promise<void>,
  ): Promise<string> {
    const { instanceId, clock, maxTasksPerUser } = this.#options;
    if (this.#draining) throw new AppError("unavailable", "The server is shutting down.");
    const running = this.#perUser.get(userId) ?? 0;
    if (running >= maxTasksPerUser) {
      throw new AppError("rate_limited", `Too many tasks at once: at most ${maxTasksPerUser}.`);
    }
    this.#perUser.set(userId, running + 1);
    const taskId = crypto.randomUUID();
    const owner: TaskOwner = {
      user_id: userId,
      instance_id: instanceId,
      kind,
      item_id: itemId,
      started_at: clock.nowMs(),
    };
    const controller = new AbortController();
    const written = this.#records.write(taskId, owner);
    const ended = written.then(() => true, () => false).then((registered) =>
      this.#see(taskId, registered ? work : undefined)
    );
    this.#local.set(taskId, { owner, controller, ended, written, over: false });
    await written;
    return taskId;
  }

  /** Sees a task through to its end. Never throws. */
  async #see(
    taskId: string,
    work: ((signal: AbortSignal, taskId: string) => Promise<void>) | undefined,
  ): Promise<void> {
    const task = this.#local.get(taskId);
    if (!task) return;
    const { owner, controller } = task;
    try {
      await work?.(controller.signal, taskId);
    } catch (thrown) {
      if (!(controller.signal.aborted && isAbort(thrown))) {
        this.#options.logger.error("task failed", {
          task: taskId,
          kind: owner.kind,
          error: errorText(thrown),
        });
      }
    }
    const left = (this.#perUser.get(owner.user_id) ?? 1) - 1;
    if (left > 0) this.#perUser.set(owner.user_id, left);
    else this.#perUser.delete(owner.user_id);
    task.over = true;
    try {
      await task.written.catch(() => {});
      await this.#records.delete(taskId, owner.item_id);
    } catch {
      if (this.#cleanups.size < MAX_WAITING_CLEANUPS) this.#cleanups.set(taskId, owner.item_id);
      else this.#options.logger.warn("a task's records were left", { task: taskId });
    }
    this.#local.delete(taskId);
  }

  /** The ids of the tasks that the requester may see, on every instance, Open WebUI's own too. */
  async list(requester: Requester): Promise<string[]> {
    const ids = new Set<string>();
    for await (const page of this.#records.owners.scan({ pageSize: 200 })) {
      for (const [taskId, owner] of page) if (may(requester, owner)) ids.add(taskId);
    }
    if (!requester.admin) return [...ids];
    for await (const page of this.#records.items.scan({ pageSize: 200 })) {
      for (const [taskId] of page) ids.add(taskId);
    }
    return [...ids];
  }

  /** The ids of the item's tasks that the requester may see. */
  async listItem(itemId: string, requester: Requester, kind = COMPLETION): Promise<string[]> {
    return (await this.#ofItem(itemId, requester, kind)).map(([taskId]) => taskId);
  }

  /** Stops a task wherever it runs. Throws `unavailable` when that can't even be recorded. */
  async stop(taskId: string, requester: Requester): Promise<StopAnswer> {
    const unknown = { status: false, message: `Task ${taskId} not found` };
    const owner = this.#local.get(taskId)?.owner ?? await this.#records.owners.get(taskId);
    if (!may(requester, owner)) return unknown;
    if (!owner && await this.#records.items.get(taskId) === undefined) return unknown;
    return await this.#stopOwned(taskId, owner) ? requested(taskId) : unknown;
  }

  /** Stops all of the item's tasks that the requester may stop, whichever end by themselves. */
  async stopItem(itemId: string, requester: Requester, kind = COMPLETION): Promise<StopAnswer> {
    const tasks = await this.#ofItem(itemId, requester, kind);
    const stops = await Promise.allSettled(tasks.map(([id, owner]) => this.#stopOwned(id, owner)));
    const failed = stops.find((stop) => stop.status === "rejected");
    if (failed) throw failed.reason;
    if (!stops.some((stop) => stop.status === "fulfilled" && stop.value)) {
      return { status: false, message: `No tasks found for ${itemId}` };
    }
    return { status: true, message: `All tasks for ${itemId} stop requested` };
  }

  /** Stops what runs here for somebody who may not have it any more. */
  stopUserHere(userId: string): void {
    for (const { owner, controller } of this.#local.values()) {
      if (owner.user_id === userId) controller.abort();
    }
  }

  async #ofItem(itemId: string, requester: Requester, kind: string) {
    const tasks = await this.#records.ofItem(itemId);
    return tasks.filter(([, owner]) =>
      (owner?.kind ?? COMPLETION) === kind && may(requester, owner)
    );
  }

  /** Says whether there was something to stop. A task without an owner is one of Open WebUI's own. */
  async #stopOwned(taskId: string, owner: TaskOwner | undefined): Promise<boolean> {
    const { commands, instanceId, clock, logger } = this.#options;
    if (this.#stopHere(taskId)) return true;
    if (owner?.instance_id === instanceId) return false;
    const command = JSON.stringify({ action: "stop", task_id: taskId });
    if (!owner) {
      await commands.publish(command);
      return true;
    }
    // The record is what counts: the message only makes it fast.
    await this.#records.stops.set(taskId, clock.nowMs());
    await commands.publish(command).catch((thrown) =>
      logger.warn("stop was recorded, not sent", { task: taskId, error: errorText(thrown) })
    );
    return true;
  }

  #stopHere(taskId: string): boolean {
    const task = this.#local.get(taskId);
    task?.controller.abort(STOPPED);
    return task !== undefined;
  }

  #onMessage(message: string): void {
    try {
      const command = v.safeParse(CommandSchema, JSON.parse(message));
      if (command.success) this.#stopHere(command.output.task_id);
    } catch {
      this.#options.logger.debug("a task command that is no JSON was ignored");
    }
  }

  async #keepPolling(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await pause(this.#options.pollMs, signal);
      if (signal.aborted) return;
      await this.#reconcile();
    }
  }

  /** Does what a lost message or an outage left undone. Never throws. */
  async #reconcile(): Promise<void> {
    try {
      for (const [taskId, itemId] of [...this.#cleanups]) {
        await this.#records.delete(taskId, itemId);
        this.#cleanups.delete(taskId);
      }
      const ids = [...this.#local.keys()];
      if (ids.length === 0) return;
      const [stops, owners] = await Promise.all([
        this.#records.stops.getMany(ids),
        this.#records.owners.getMany(ids),
      ]);
      ids.forEach((id, i) => stops[i] !== undefined && this.#stopHere(id));
      // The wall clock may be set; Open WebUI counts the time that has really passed.
      const now = performance.now();
      if (now - this.#lifeShownAtMs >= LIFE_SIGN_MS) {
        await this.#showLife(ids);
        this.#lifeShownAtMs = now;
      }
      await this.#writeAgain(ids.filter((_, i) => owners[i] === undefined));
    } catch (thrown) {
      this.#options.logger.warn("stops could not be read", { error: errorText(thrown) });
    }
  }

  /** Of those that still run: after its task's end a sign of life would be left. */
  async #showLife(taskIds: string[]): Promise<void> {
    const alive = taskIds.filter((id) => this.#local.get(id)?.over === false);
    const shown = this.#records.showLife(alive);
    for (const id of alive) {
      const task = this.#local.get(id);
      if (task) task.written = Promise.allSettled([task.written, shown]).then(() => {});
    }
    await shown;
  }

  /** A store that came back empty: what runs is put where others can list and stop it. */
  async #writeAgain(taskIds: string[]): Promise<void> {
    for (const taskId of taskIds) {
      const task = this.#local.get(taskId);
      if (!task || task.over) continue;
      task.written = task.written.catch(() => {}).then(() =>
        this.#records.write(taskId, task.owner)
      );
      await task.written;
    }
  }

  /** Takes no more tasks, stops all and waits for their ends; says whether all have ended in time. */
  async drain({ timeoutMs }: { timeoutMs: number }): Promise<boolean> {
    this.#draining = true;
    const tasks = [...this.#local.values()];
    for (const { controller } of tasks) controller.abort();
    return await settledWithin(Promise.all(tasks.map(({ ended }) => ended)), timeoutMs);
  }

  /** Drains, at most two seconds, and stops listening. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain({ timeoutMs: 2_000 });
    this.#stop.abort();
    await settledWithin(Promise.all([this.#subscription?.unsubscribe(), this.#running]), 2_000);
  }
}

function may(requester: Requester, owner: TaskOwner | undefined): boolean {
  return requester.admin || owner?.user_id === requester.userId;
}

function requested(taskId: string): StopAnswer {
  return { status: true, message: `Task ${taskId} stop requested` };
}
