export interface EventLoopWatch {
  /** Time between two looks, in milliseconds. */
  everyMs: number;
  /** Told of each look's lag, in milliseconds. */
  onLag: (lagMs: number) => void;
}

/** Measures how late one timer fires: what every socket waits at least. It never keeps the process alive. */
export function watchEventLoop({ everyMs, onLag }: EventLoopWatch): Disposable {
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    onLag(Math.max(0, now - last - everyMs));
    last = now;
  }, everyMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
