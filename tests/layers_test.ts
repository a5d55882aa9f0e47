import assert from "node:assert/strict";
import { folderOf, isAllowed, isRoot, MAY_IMPORT } from "./tools/layers.ts";

const root = new URL("../", import.meta.url);
const MAX_LINES = 350;

export type Graph = ReadonlyMap<string, readonly string[]>;

/** The first ring of imports, as a path that ends where it began. */
export function cycleOf(graph: Graph): string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, path: string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const next of graph.get(file) ?? []) {
      const found = visit(next, [...path, file]);
      if (found) return found;
    }
    done.add(file);
    return undefined;
  };
  for (const file of graph.keys()) {
    const found = visit(file, []);
    if (found) return found;
  }
  return undefined;
}

async function sources(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(new URL(folder, root))) {
    if (entry.isDirectory) found.push(...await sources(`${folder}${entry.name}/`));
    else if (/\.tsx?$/.test(entry.name)) found.push(folder + entry.name);
  }
  return found.sort();
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(new URL(path, root)).then(() => true, () => false);
}

const files = [...await sources("lib/"), ...(await exists("main.ts") ? ["main.ts"] : [])];
const texts = new Map(
  await Promise.all(
    files.map(async (file) => [file, await Deno.readTextFile(new URL(file, root))] as const),
  ),
);

interface Info {
  modules: {
    specifier: string;
    error?: string;
    dependencies?: { code?: { specifier?: string }; type?: { specifier?: string } }[];
  }[];
}

/** One graph over all files: a module of every import is asked for in one go, types too. */
async function importGraph(): Promise<Graph> {
  const entry = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const lines = files.map((file) => `import ${JSON.stringify(new URL(file, root).href)};`);
    await Deno.writeTextFile(entry, lines.join("\n"));
    const { stdout, success } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--config", new URL("deno.json", root).pathname, entry],
      stderr: "null",
    }).output();
    assert.ok(success, "deno info failed");
    const info: Info = JSON.parse(new TextDecoder().decode(stdout));
    const graph = new Map<string, readonly string[]>();
    for (const module of info.modules) {
      if (!module.specifier.startsWith(root.href)) continue;
      const targets = (module.dependencies ?? [])
        .flatMap(({ code, type }) => [code?.specifier, type?.specifier])
        .filter((target) => target !== undefined)
        .filter((target) => target.startsWith(root.href))
        .map((target) => target.slice(root.href.length));
      graph.set(module.specifier.slice(root.href.length), [...new Set(targets)]);
    }
    return graph;
  } finally {
    await Deno.remove(entry);
  }
}

const graph = await importGraph();

function filesWhere(test: (text: string, file: string) => boolean): string[] {
  return [...texts].filter(([file, text]) => test(text, file)).map(([file]) => file);
}

Deno.test("every file of lib is in the graph, and every folder in the table", () => {
  assert.deepEqual(files.filter((file) => !graph.has(file)), []);
  const unknown = files.filter((file) => !isRoot(file) && !(folderOf(file) in MAY_IMPORT));
  assert.deepEqual(unknown, []);
});

Deno.test("nobody imports what the layers forbid, types included", () => {
  const forbidden = [...graph].flatMap(([from, targets]) =>
    targets.filter((to) => !isAllowed(from, to)).map((to) => `${from} → ${to}`)
  );
  assert.deepEqual(forbidden, []);
});

Deno.test("no import leads back to where it began", () => {
  assert.equal(cycleOf(graph)?.join(" → "), undefined);
});

Deno.test("the rules can tell right from wrong", () => {
  assert.ok(isAllowed("lib/auth/tokens.ts", "lib/state/state_store.ts"));
  assert.ok(!isAllowed("lib/auth/tokens.ts", "lib/state/redis_store.ts"));
  assert.ok(!isAllowed("lib/tasks/task_registry.ts", "lib/bus/redis_bus.ts"));
  assert.ok(!isAllowed("lib/http/routes.ts", "lib/realtime/emitter.ts"));
  assert.ok(!isAllowed("lib/chats/chat_store.ts", "tests/support/until.ts"));
  assert.deepEqual(cycleOf(new Map([["a", ["b"]], ["b", ["c"]], ["c", ["b"]]])), ["b", "c", "b"]);
});

Deno.test("only the composition root reads the environment", () => {
  const found = filesWhere((text, file) =>
    !isRoot(file) && /\bDeno\.env\b|\bprocess\.env\b/.test(text)
  );
  assert.deepEqual(found, []);
});

Deno.test("files stay short", () => {
  assert.deepEqual(filesWhere((text) => text.split("\n").length > MAX_LINES + 1), []);
});

Deno.test("libraries come by the import map", () => {
  const inline = /(?:from|import)\s*\(?\s*["'](?:npm:|jsr:|https?:)/;
  assert.deepEqual(filesWhere((text) => inline.test(text)), []);
});

/** The number of a discussion alone, which leads nowhere; a whole address does. */
const BARE_NUMBER = /\b(issue|ticket|pull request) #?\d+|[\w-]#\d{3,}/i;
const ADDRESS = /https?:\/\/\S+/g;

Deno.test("sources speak of the matter; where it is tracked is a whole address", () => {
  const isBare = (text: string) => BARE_NUMBER.test(text.replace(ADDRESS, ""));
  assert.ok(isBare("// as pull request 12 says") && isBare("// see denoland/deno#12345"));
  assert.ok(!isBare("// Deno 2.9.6: https://github.com/denoland/deno/issues/12345"));
  assert.deepEqual(filesWhere(isBare), []);
});
