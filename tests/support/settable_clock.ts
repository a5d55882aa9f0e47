/** A process' system clock that can be set while it runs: Debian's libfaketime, where it is installed. */
import { tempFolder } from "./temp_folder.ts";

const LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

export interface SettableClock extends AsyncDisposable {
  /** What runs the process with this clock. */
  readonly wrapper: readonly string[];
  /** Sets the clock so far from the machine's, within a second. Time that is measured does not jump. */
  set(seconds: number): Promise<void>;
}

/** Whether a clock can be set here. */
export function canSetClock(): boolean {
  try {
    return Deno.statSync(LIBRARY).isFile;
  } catch {
    return false;
  }
}

/** `undefined` where the library is missing (`apt-get install libfaketime`). */
export async function settableClock(): Promise<SettableClock | undefined> {
  if (!canSetClock()) return undefined;
  const folder = await tempFolder();
  const file = `${folder.path}/clock`;
  const set = (seconds: number) =>
    Deno.writeTextFile(file, `${seconds < 0 ? "" : "+"}${seconds}\n`);
  await set(0);
  const settings = {
    LD_PRELOAD: LIBRARY,
    FAKETIME_TIMESTAMP_FILE: file,
    // The file is read once a second, not at each look at the clock.
    FAKETIME_CACHE_DURATION: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    FAKETIME_DONT_RESET: "1",
  };
  return {
    wrapper: ["env", ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)],
    set,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
