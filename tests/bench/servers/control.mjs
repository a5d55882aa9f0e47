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

/** The longest time in which no timer got its turn, asked for the first time: measured from then on. */
function pauseMeter() {
  let longestMs = 0;
  let lastMs = 0;
  let timer;
  return () => {
    const told = longestMs;
    longestMs = 0;
    lastMs = performance.now();
    timer ??= setInterval(() => {
      const nowMs = performance.now();
      longestMs = Math.max(longestMs, nowMs - lastMs);
      lastMs = nowMs;
    }, 1);
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
