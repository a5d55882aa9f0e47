/** Python in a worker of its own (Pyodide): one piece of code a message. */
import type { PythonAnswer, PythonRequest } from "../client/python_runner.ts";
import type { PythonResult } from "../protocol/chat_events.ts";

interface FileSystem {
  mkdirTree(path: string): void;
  readdir(path: string): string[];
  readFile(path: string): Uint8Array;
  unlink(path: string): void;
  chdir(path: string): void;
  isDir(mode: number): boolean;
  stat(path: string): { mode: number; size: number };
}

interface Pyodide {
  FS: FileSystem;
  runPythonAsync(code: string, options: { globals: unknown }): Promise<unknown>;
  setStdout(options: { batched: (line: string) => void }): void;
  setStderr(options: { batched: (line: string) => void }): void;
  toPy(value: object): { destroy(): void };
}

interface Scope {
  postMessage(answer: PythonAnswer): void;
  onmessage: ((event: MessageEvent<PythonRequest>) => void) | null;
}

const scope = globalThis as unknown as Scope;
const FOLDER = "/home/pyodide/work";
const MAX_OUTPUT = 200_000;
const MAX_FILES = 10;
const MAX_FILE_BYTES = 2_000_000;
const TYPES: Record<string, string> = {
  csv: "text/csv",
  gif: "image/gif",
  html: "text/plain",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  json: "application/json",
  png: "image/png",
  txt: "text/plain",
  webp: "image/webp",
};

/** Lines up to a bound: a loop that prints must not fill the memory. */
function collector() {
  let text = "";
  return {
    add(line: string) {
      if (text.length < MAX_OUTPUT) text += `${line}\n`;
    },
    text: () => text.length < MAX_OUTPUT ? text : `${text.slice(0, MAX_OUTPUT)}\n…`,
  };
}

/** What the code left in its folder, as data URLs; the folder is empty afterwards. */
function takeFiles(fs: FileSystem): PythonResult["files"] {
  const files: PythonResult["files"] = [];
  for (const name of fs.readdir(FOLDER)) {
    const path = `${FOLDER}/${name}`;
    const { mode, size } = fs.stat(path);
    if (fs.isDir(mode)) continue;
    if (files.length < MAX_FILES && size <= MAX_FILE_BYTES) {
      const type = TYPES[name.split(".").at(-1)?.toLowerCase() ?? ""] ?? "application/octet-stream";
      const bytes = fs.readFile(path);
      let binary = "";
      for (const byte of bytes) binary += String.fromCharCode(byte);
      files.push({ name, type, url: `data:${type};base64,${btoa(binary)}` });
    }
    fs.unlink(path);
  }
  return files;
}

async function run(python: Pyodide, code: string): Promise<PythonResult> {
  const [out, err] = [collector(), collector()];
  python.setStdout({ batched: out.add });
  python.setStderr({ batched: err.add });
  // Each piece of code has names of its own.
  const globals = python.toPy({});
  let result: string | null = null;
  try {
    const value = await python.runPythonAsync(code, { globals });
    result = value === undefined || value === null ? null : String(value).slice(0, MAX_OUTPUT);
  } catch (thrown) {
    err.add(thrown instanceof Error ? thrown.message : String(thrown));
  } finally {
    globals.destroy();
  }
  return { stdout: out.text(), stderr: err.text(), result, files: takeFiles(python.FS) };
}

const runtime = new URL("/pyodide/", import.meta.url).href;
const { loadPyodide } = await import(`${runtime}pyodide.mjs`);
const python: Pyodide = await loadPyodide({ indexURL: runtime });
python.FS.mkdirTree(FOLDER);
python.FS.chdir(FOLDER);
scope.onmessage = async ({ data }) => scope.postMessage(await run(python, data.code));
scope.postMessage({ ready: true });
