import process from "node:process";

/** What this thread has computed so far, in milliseconds. */
function spentMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/**
 * The longest time in which no timer got its turn while the work ran, in milliseconds; without what
 * other processes took of it, as tests share the machine.
 */
export async function longestPause(work: () => Promise<void>): Promise<number> {
  let longestMs = 0;
  let last = { atMs: performance.now(), spentMs: spentMs() };
  const look = () => {
    const now = { atMs: performance.now(), spentMs: spentMs() };
    const pauseMs = Math.min(now.atMs - last.atMs, now.spentMs - last.spentMs);
    longestMs = Math.max(longestMs, pauseMs);
    last = now;
  };
  const timer = setInterval(look, 1);
  try {
    await work();
    look();
  } finally {
    clearInterval(timer);
  }
  return longestMs;
}
