/** `deno task client`: writes the package of the client library, see `docs/client.md`. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { tell } from "./command.ts";

const root = new URL("../../", import.meta.url);
const dist = new URL("dist/client/", root);
const stage = new URL("dist/.client/", root);
const NAME = "webui-realtime-client";
/** Each import of the package, and the source behind it. */
const ENTRIES: Record<string, string> = {
  ".": "client/mod",
  "./api": "client/exports/api",
  "./documents": "client/exports/documents",
  "./errors": "client/exports/errors",
  "./python": "client/exports/python",
  "./react": "client/exports/react",
};
/** What a program that installs it gets with it, shares with it, and may have. */
const DEPENDENCIES = ["socket.io-client"];
const PEERS = ["yjs", "y-protocols"];
/** What it is compiled with. */
const TOOLS = { typescript: "6.0.3", "@types/react": "19.3.0" };

interface Settings {
  version: string;
  license: string;
  imports: Record<string, string>;
}
const settings: Settings = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));

function versionOf(name: string): string {
  const version = /@([\d.]+)$/.exec(settings.imports[name] ?? "")?.[1];
  if (version === undefined) throw new Error(`${name}: is not in the import map`);
  return version;
}

/** The modules that the entries reach, as paths below `lib/`. */
async function sources(): Promise<string[]> {
  const found = new Set(Object.values(ENTRIES).map((entry) => `${entry}.ts`));
  for (const path of found) {
    const text = await Deno.readTextFile(new URL(`lib/${path}`, root));
    for (const [, target = ""] of text.matchAll(/from "(\.[^"]+\.ts)"/g)) {
      found.add(new URL(target, `file:///${path}`).pathname.slice(1));
    }
  }
  return [...found].sort();
}

async function run(args: string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: stage,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  if (!success) {
    throw new Error(`deno ${args.join(" ")}: ${decoder.decode(stdout)}${decoder.decode(stderr)}`);
  }
}

async function write(path: URL, text: string): Promise<void> {
  await Deno.mkdir(dirname(fileURLToPath(path)), { recursive: true });
  await Deno.writeTextFile(path, text);
}

const json = (value: unknown) => JSON.stringify(value, null, 2) + "\n";

/** The compiler, and the types of what the library stands on, where `tsc` looks for them. */
async function install(): Promise<void> {
  const versions = [...DEPENDENCIES, ...PEERS].map((name) => [name, versionOf(name)]);
  const wanted = json({
    private: true,
    type: "module",
    dependencies: { ...Object.fromEntries(versions), ...TOOLS },
  });
  const manifest = new URL("package.json", stage);
  const isThere = await Deno.readTextFile(manifest).catch(() => "") === wanted;
  if (isThere) return;
  await write(new URL("deno.json", stage), json({ nodeModulesDir: "manual" }));
  await write(manifest, wanted);
  await run(["install", "--quiet"]);
}

async function compile(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await write(
      new URL(`src/${path}`, stage),
      await Deno.readTextFile(new URL(`lib/${path}`, root)),
    );
  }
  await write(
    new URL("tsconfig.json", stage),
    json({
      compilerOptions: {
        ...{ target: "es2022", module: "nodenext", strict: true, noUncheckedIndexedAccess: true },
        ...{ lib: ["es2024", "esnext.disposable", "dom", "dom.iterable", "dom.asynciterable"] },
        ...{ rewriteRelativeImportExtensions: true, verbatimModuleSyntax: true, types: [] },
        ...{ declaration: true, sourceMap: true, inlineSources: true, skipLibCheck: false },
        ...{ rootDir: "src", outDir: fileURLToPath(dist) },
      },
      include: ["src"],
    }),
  );
  await run(["run", "-A", "--quiet", "node_modules/typescript/bin/tsc", "-p", "."]);
  // tsc leaves the names of sources in declarations.
  for (const path of paths) {
    const url = new URL(path.replace(/\.ts$/, ".d.ts"), dist);
    const text = await Deno.readTextFile(url);
    await Deno.writeTextFile(url, text.replaceAll(/(from "|import\(")(\.[^"]+)\.ts"/g, '$1$2.js"'));
  }
}

async function describe(): Promise<void> {
  const exports = Object.entries(ENTRIES).map(([name, path]) => [
    name,
    { types: `./${path}.d.ts`, default: `./${path}.js` },
  ]);
  const caret = (name: string) => [name, `^${versionOf(name)}`];
  await write(
    new URL("package.json", dist),
    json({
      name: NAME,
      version: settings.version,
      description: "Chats that stream and go on, channels and shared notes: the client.",
      license: settings.license,
      type: "module",
      sideEffects: false,
      engines: { node: ">=20.3" },
      exports: { ...Object.fromEntries(exports), "./package.json": "./package.json" },
      dependencies: Object.fromEntries(DEPENDENCIES.map(caret)),
      peerDependencies: { ...Object.fromEntries(PEERS.map(caret)), react: ">=18.3" },
      peerDependenciesMeta: { react: { optional: true } },
    }),
  );
  const texts = {
    ...{ "README.md": "docs/client.md", LICENSE: "LICENSE" },
    // What the guide leads to.
    ...{ "api.md": "docs/api.md", "protocol.md": "docs/protocol.md" },
  };
  for (const [to, from] of Object.entries(texts)) {
    await Deno.copyFile(new URL(from, root), new URL(to, dist));
  }
}

await Deno.mkdir(stage, { recursive: true });
using lock = await Deno.open(new URL("lock", stage), { create: true, write: true });
await lock.lock(true);
for (const old of [dist, new URL("src/", stage)]) {
  await Deno.remove(old, { recursive: true }).catch(() => undefined);
}
const paths = await sources();
await install();
await compile(paths);
await describe();
tell(`dist/client: ${NAME} ${settings.version}, ${paths.length} modules`);
