/**
 * Builds the pages into `lib/web/dist/`: `deno task build`. Scripts and styles are named by their
 * content, so that a browser may keep them for ever; `assets.json` tells the server what is there.
 */
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const source = new URL("./", import.meta.url);
const dist = new URL("./dist/", import.meta.url);
const root = new URL("../../", import.meta.url);

/** A file as the server offers it. */
interface Asset {
  file: string;
  type: string;
  etag: string;
  /** Its name holds its content's hash. */
  isImmutable: boolean;
  /** Where there are smaller forms of it, they stand beside: `file.br`, `file.gz`. */
  isCompressed: boolean;
}

const TYPES: Record<string, string> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  mjs: "text/javascript; charset=utf-8",
  png: "image/png",
  svg: "image/svg+xml",
  wasm: "application/wasm",
  webmanifest: "application/manifest+json",
  woff2: "font/woff2",
  zip: "application/zip",
};
const ENTRIES = ["main.tsx", "python_worker.ts"];
/** In the order of the cascade. */
const STYLES = [
  "base.css",
  "layout.css",
  "pages.css",
  "sidebar.css",
  "overlays.css",
  "chat.css",
  "markdown.css",
  "people.css",
  "notes.css",
  "channels.css",
  "live.css",
];
const PYODIDE = [
  "pyodide.mjs",
  "pyodide.asm.mjs",
  "pyodide.asm.js",
  "pyodide.asm.wasm",
  "python_stdlib.zip",
  "pyodide-lock.json",
];

/** Kept for later by who has needed it once, not by everybody. */
const WHEN_NEEDED = /^\/pyodide\/|\.woff2$|^\/assets\/katex/i;

const brotli = promisify(brotliCompress);
const zip = promisify(gzip);
const assets: Record<string, Asset> = {};
const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex").slice(0, 10);
const typeOf = (name: string) => TYPES[name.split(".").at(-1) ?? ""] ?? "application/octet-stream";

/** Writes a file with its compressed forms and notes it under its path. */
async function write(path: string, bytes: Uint8Array, isImmutable: boolean): Promise<void> {
  const file = path.slice(1).replaceAll("/", "--") || "index.html";
  const type = typeOf(file);
  const isCompressed = !/zip|png|woff2/.test(type) && bytes.length > 200;
  await Deno.writeFile(new URL(file, dist), bytes);
  if (isCompressed) {
    // The Python runtime is large: a better compression would take a minute.
    const quality = bytes.length > 1_000_000 ? 5 : 11;
    const params = { [constants.BROTLI_PARAM_QUALITY]: quality };
    const [small, smaller] = await Promise.all([zip(bytes), brotli(bytes, { params })]);
    await Deno.writeFile(new URL(`${file}.gz`, dist), small);
    await Deno.writeFile(new URL(`${file}.br`, dist), smaller);
  }
  assets[path] = { file, type, etag: `"${hashOf(bytes)}"`, isImmutable, isCompressed };
}

async function bundle(entries: string[], outdir: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["bundle", "--quiet", "--platform", "browser", "--minify", "--code-splitting"],
      ...["--config", new URL("deno.json", root).pathname, "--outdir", outdir],
      ...entries.map((entry) => new URL(entry, source).pathname),
    ],
    env: { NO_COLOR: "1" },
  }).output();
  if (!success) throw new Error(`deno bundle: ${new TextDecoder().decode(stderr)}`);
}

/** What the entry imports before anything is shown, so that it is all asked for at once. */
async function importsOf(folder: string, entry: string): Promise<string[]> {
  const found = new Set<string>([entry]);
  for (const name of found) {
    const code = await Deno.readTextFile(`${folder}/${name}`);
    // What the entry itself waits with until there is a frame is needed at once after that.
    const later = name === entry ? code.matchAll(/import\("\.\/([^"]+)"\)/g) : [];
    for (const [, next = ""] of later) found.add(next);
    for (const [, next = ""] of code.matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)) found.add(next);
  }
  found.delete(entry);
  return [...found];
}

/** Bundles the scripts; returns the path of each entry. */
async function scripts(folder: string): Promise<Record<string, string>> {
  await bundle(ENTRIES, folder);
  const paths: Record<string, string> = {};
  for await (const { name } of Deno.readDir(folder)) {
    const bytes = await Deno.readFile(`${folder}/${name}`);
    const entry = ENTRIES.find((entry) => name === entry.replace(/\.tsx?$/, ".js"));
    const path = entry
      ? `/assets/${name.replace(/\.js$/, "")}-${hashOf(bytes)}.js`
      // What is split off carries its hash already.
      : `/assets/${name}`;
    if (entry) paths[entry] = path;
    await write(path, bytes, true);
  }
  return paths;
}

async function styles(): Promise<string> {
  const texts = await Promise.all(
    STYLES.map((name) => Deno.readTextFile(new URL(`styles/${name}`, source))),
  );
  const text = texts.join("\n").replace(/\/\*[^]*?\*\//g, "")
    .replace(/\s*\n\s*/g, "\n").replace(/;\n\}/g, "}").replace(/ \{\n/g, "{").replace(/;\n/g, ";");
  const bytes = new TextEncoder().encode(text);
  const path = `/assets/styles-${hashOf(bytes)}.css`;
  await write(path, bytes, true);
  return path;
}

async function pyodide(): Promise<void> {
  await import("pyodide");
  const folder = new URL("./", import.meta.resolve("pyodide"));
  for (const name of PYODIDE) {
    const bytes = await Deno.readFile(new URL(name, folder)).catch(() => undefined);
    if (bytes) await write(`/pyodide/${name}`, bytes, false);
  }
}

/** The style of formulas with its fonts, in the one form that every browser reads; returns its path. */
async function katex(): Promise<string> {
  const folder = new URL("./", import.meta.resolve("katex"));
  const fonts = new Map<string, string>();
  for await (const { name } of Deno.readDir(new URL("fonts/", folder))) {
    if (!name.endsWith(".woff2")) continue;
    const bytes = await Deno.readFile(new URL(`fonts/${name}`, folder));
    const path = `/assets/${name.replace(/\.woff2$/, "")}-${hashOf(bytes)}.woff2`;
    fonts.set(name, path);
    await write(path, bytes, true);
  }
  const css = (await Deno.readTextFile(new URL("katex.min.css", folder)))
    .replace(/,url\(fonts\/[^)]+\) format\("(?:woff|truetype)"\)/g, "")
    .replace(/url\(fonts\/([^)]+)\)/g, (whole, name: string) => {
      const path = fonts.get(name);
      if (path === undefined) throw new Error(`katex: no such font: ${whole}`);
      // From beside it, wherever the pages are.
      return `url(${path.slice("/assets/".length)})`;
    });
  const bytes = new TextEncoder().encode(css);
  const path = `/assets/katex-${hashOf(bytes)}.css`;
  await write(path, bytes, true);
  return path;
}

/** As the page names it, which may be anywhere. */
const relative = (path: string) => path.slice(1);

function filled(text: string, values: Record<string, string>): string {
  return text.replace(/%(\w+)%/g, (whole, name: string) => values[name] ?? whole);
}

async function text(name: string, path: string, values: Record<string, string>): Promise<void> {
  const read = await Deno.readTextFile(new URL(name, source));
  await write(path, new TextEncoder().encode(filled(read, values)), false);
}

async function serviceWorker(folder: string): Promise<void> {
  await bundle(["service_worker.ts"], folder);
  const shell = Object.keys(assets).filter((path) => !WHEN_NEEDED.test(path));
  const version = hashOf(new TextEncoder().encode(JSON.stringify(assets)));
  const code = await Deno.readTextFile(`${folder}/service_worker.js`);
  const head = `self.__shell=${JSON.stringify({ version, paths: shell })};`;
  await write("/service_worker.js", new TextEncoder().encode(head + code), false);
}

/** When the newest of the sources was changed. */
async function changedAt(folder: URL): Promise<number> {
  let newest = 0;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (name === "dist") continue;
    const url = new URL(isDirectory ? `${name}/` : name, folder);
    const { mtime } = await Deno.stat(url);
    newest = Math.max(newest, isDirectory ? await changedAt(url) : mtime?.getTime() ?? 0);
  }
  return newest;
}

async function isFresh(): Promise<boolean> {
  try {
    const built = (await Deno.stat(new URL("assets.json", dist))).mtime?.getTime() ?? 0;
    const { mtime } = await Deno.stat(new URL("deno.json", root));
    const folders = [
      "lib/web/",
      "lib/client/",
      "lib/markdown/",
      "lib/note_schema/",
      "lib/protocol/",
    ];
    const times = await Promise.all(folders.map((folder) => changedAt(new URL(folder, root))));
    return built > Math.max(mtime?.getTime() ?? 0, ...times);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/** Writes everything, the list last: a server that starts meanwhile sees the old or the new. */
async function build(): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const entries = await scripts(`${folder}/scripts`);
    const css = await styles();
    await pyodide();
    const formulas = await katex();
    const script = entries["main.tsx"] ?? "";
    const preload = (await importsOf(`${folder}/scripts`, "main.js"))
      .map((name) => `<link rel="modulepreload" href="assets/${name}">`).join("\n");
    const python = entries["python_worker.ts"] ?? "";
    const values = {
      preload,
      script: relative(script),
      css: relative(css),
      python: relative(python),
      katex: relative(formulas),
    };
    await text("icon.svg", "/icon.svg", values);
    await text("manifest.webmanifest", "/manifest.webmanifest", values);
    await text("index.html", "/", values);
    await serviceWorker(`${folder}/worker`);
    await Deno.writeTextFile(new URL("assets.json", dist), JSON.stringify(assets, null, 1));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const kept = new Set(Object.values(assets).map(({ file }) => file));
  for await (const { name } of Deno.readDir(dist)) {
    const isKept = kept.has(name.replace(/\.(br|gz)$/, "")) || /^(assets\.json|lock)$/.test(name);
    if (!isKept) await Deno.remove(new URL(name, dist));
  }
}

await Deno.mkdir(dist, { recursive: true });
using lock = await Deno.open(new URL("lock", dist), { create: true, write: true });
await lock.lock(true);
if (!await isFresh()) await build();
