import type { World } from "../world.ts";

/** One thing that must work; it throws when it does not, and says in a few words what was seen. */
export interface Check {
  name: string;
  run(world: World): Promise<string>;
  /** What the original itself can't do: only looked at with our sockets. */
  isBeyond?: boolean;
  /** Needs Chromium. */
  isInBrowser?: boolean;
}
