/** The command line: `deno task bench [section…] [--peers=a,b] [--json]`. */
import { PEERS } from "./peers/all.ts";
import type { Peer } from "./peers/peer.ts";
import { SECTIONS } from "./sections/all.ts";
import type { Section } from "./sections/section.ts";

export interface Options {
  sections: readonly Section[];
  peers: readonly Peer[];
  json: boolean;
}

/** Throws a `RangeError` that names what is wrong and what is allowed. */
export function parseOptions(args: readonly string[]): Options {
  let json = false;
  let peers = PEERS;
  const names: string[] = [];
  for (const arg of args) {
    if (arg === "--json") json = true;
    else if (arg.startsWith("--peers=")) {
      peers = pick(PEERS, ({ id }) => id, arg.slice(8).split(","));
    } else names.push(arg);
  }
  const sections = names.length === 0 ? SECTIONS : pick(SECTIONS, ({ name }) => name, names);
  return { sections, peers, json };
}

function pick<T>(all: readonly T[], nameOf: (item: T) => string, names: readonly string[]): T[] {
  const known = all.map(nameOf);
  for (const name of names) {
    if (known.includes(name)) continue;
    throw new RangeError(`Cannot run "${name}": choose from ${known.join(", ")}`);
  }
  return all.filter((item) => names.includes(nameOf(item)));
}
