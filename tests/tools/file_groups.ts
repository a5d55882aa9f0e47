/**
 * Folders whose files test so briefly that to load them takes as long: several of a folder are loaded
 * together. What measures pauses or memory, or runs for long, has an isolate of its own.
 */
const TOGETHER: ReadonlySet<string> = new Set([
  ...["auth", "bench", "bridge", "channels", "chats", "client", "common", "completions", "docs"],
  ...["http", "notes", "protocol", "quotas", "realtime", "sharing", "soak", "support", "tasks"],
  ...["tools", "transfer", "transport", "users"],
]);
/** Few enough that no group is left alone at the end of a run. */
const MAX_FILES = 6;
const LOADER = new URL("load_together.ts", import.meta.url).href;
const MODULE = /^((?:Uncaught error from )?)\S*\/group_(\d+)\.ts( => )?/;

/** The files in the groups that they are loaded in, each in the place of its first. */
export function groupsOf(files: readonly string[]): string[][] {
  const groups: string[][] = [];
  const open = new Map<string, string[]>();
  for (const file of files) {
    const [, folder = ""] = file.split("/");
    let group = open.get(folder);
    if (!group || group.length === MAX_FILES || !TOGETHER.has(folder)) {
      groups.push(group = []);
      open.set(folder, group);
    }
    group.push(file);
  }
  return groups;
}

/** Test files, some of them loaded together by modules in a folder of their own. */
export class FileGroups {
  readonly #groups: readonly string[][];
  readonly #folder: string;

  constructor(files: readonly string[], folder: string) {
    this.#groups = groupsOf(files);
    this.#folder = folder;
  }

  /** Writes the modules. Returns what to give to `deno test`. */
  async write(): Promise<string[]> {
    return await Promise.all(this.#groups.map(async (files, at) => {
      const [only, ...more] = files;
      if (only !== undefined && more.length === 0) return only;
      const path = `${this.#folder}/group_${at}.ts`;
      const call = `await loadTogether(${JSON.stringify(files)});`;
      await Deno.writeTextFile(path, `import { loadTogether } from "${LOADER}";\n${call}\n`);
      return path;
    }));
  }

  /** A line of the output as it would be if each file were a module of its own. */
  unfold(line: string): string {
    const [found, what, at, arrow] = MODULE.exec(line) ?? [];
    if (found === undefined) return line;
    const rest = line.slice(found.length);
    if (arrow) return `${what}./${rest}`;
    // Which of them it was is not told.
    return (this.#groups[Number(at)] ?? []).map((file) => `${what}./${file}${rest}`).join("\n");
  }
}
