/**
 * The steering of a server under measurement: one JSON object a line on stdin, one answer a line on
 * stdout. Runs on Node, Deno and Bun alike; `python_control.py` speaks the same.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

/** The room that every socket is gathered in. */
export const BENCH_ROOM = "bench";

/** @param {Record<string, unknown>} line */
function say(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

/**
 * @param {import("socket.io").Server} io
 * @param {{ count: number, pauseMs: number, event: string, payload: unknown }} command
 */
async function emit(io, { count, pauseMs, event, payload }) {
  for (let i = 0; i < count; i++) {
    io.to(BENCH_ROOM).emit(event, payload);
    if (pauseMs > 0) await delay(pauseMs);
  }
}

/** Time on the processor of this thread, where the runtime tells it: a busy machine is no fault. */
function threadMs() {
  if (process.threadCpuUsage === undefined) return undefined;
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/**
 * The longest time in which no timer got its turn, without what other processes took of it; asked
 * for the first time: measured from then on.
 */
function pauseMeter() {
  let longestMs = 0;
  let last = { atMs: 0, spentMs: undefined };
  let timer;
  const look = () => {
    const now = { atMs: performance.now(), spentMs: threadMs() };
    const spentMs = now.spentMs === undefined ? Infinity : now.spentMs - last.spentMs;
    longestMs = Math.max(longestMs, Math.min(now.atMs - last.atMs, spentMs));
    last = now;
  };
  return () => {
    const told = longestMs;
    longestMs = 0;
    last = { atMs: performance.now(), spentMs: threadMs() };
    timer ??= setInterval(look, 1);
    return told;
  };
}

/**
 * Says that the server is ready, then obeys until stdin ends.
 *
 * @param {{
 *   io: {
 *     socketsJoin(room: string): void,
 *     to(room: string): { emit(event: string, payload: unknown): unknown },
 *   },
 *   port: number,
 *   collectGarbage: () => void,
 *   signedIn: () => number,
 * }} server
 */
export async function obey({ io, port, collectGarbage, signedIn }) {
  const longestPause = pauseMeter();
  say({ ready: { port } });
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, ...command } = JSON.parse(line);
    const answer = { id };
    if (command.do === "cpu") {
      const { user, system } = process.cpuUsage();
      answer.us = user + system;
    } else if (command.do === "memory") answer.kib = process.memoryUsage.rss() / 1024;
    else if (command.do === "pause") answer.ms = longestPause();
    else if (command.do === "gc") collectGarbage();
    else if (command.do === "sockets") answer.count = signedIn();
    else if (command.do === "gather") io.socketsJoin(BENCH_ROOM);
    else if (command.do === "emit") await emit(io, command);
    say(answer);
  }
}
