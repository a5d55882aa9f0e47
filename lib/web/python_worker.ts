/** Python in a worker of its own (Pyodide): one piece of code a message. */
import type { PythonAnswer, PythonRequest } from "../client/python_runner.ts";
import type { PythonResult } from "../protocol/chat_events.ts";

interface FileSystem {
  readdir(path: string): string[];
  readFile(path: string): Uint8Array;
  isDir(mode: number): boolean;
  stat(path: string): { mode: number; size: number };
}

interface Output {
  write: (bytes: Uint8Array) => number;
}

/** `undefined`: the code had no value, or failed; what went wrong stands in stderr. */
type Run = (code: string, folder: string) => PromiseLike<string | undefined>;

interface Pyodide {
  FS: FileSystem;
  runPython(code: string): unknown;
  setStdout(output: Output): void;
  setStderr(output: Output): void;
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
  svg: "image/svg+xml",
  txt: "text/plain",
  webp: "image/webp",
};

/**
 * Each piece of code has names and a folder of its own. A value is shown as Python shows it, a text
 * as it is. Of a traceback, only the code's own lines are told.
 */
const RUN = `
import os, shutil, sys, traceback
from pyodide.code import eval_code_async

async def run(code, folder):
    try:
        os.chdir("/")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        os.chdir(folder)
        value = await eval_code_async(code, {"__name__": "__main__"})
        return value if value is None or isinstance(value, str) else repr(value)
    except BaseException as error:
        trace = error.__traceback__
        while trace and trace.tb_frame.f_code.co_filename != "<exec>":
            trace = trace.tb_next
        traceback.print_exception(type(error), error, trace)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()

run
`;

/** Output up to a bound: a loop that prints must not fill the memory. */
function collector() {
  const decoder = new TextDecoder();
  let text = "";
  return {
    write(bytes: Uint8Array) {
      if (text.length <= MAX_OUTPUT) text += decoder.decode(bytes, { stream: true });
      return bytes.length;
    },
    text: () => text.length <= MAX_OUTPUT ? text : `${text.slice(0, MAX_OUTPUT)}\n…`,
  };
}

/** What the code left in its folder, as data URLs. */
function filesIn(fs: FileSystem): PythonResult["files"] {
  const files: PythonResult["files"] = [];
  for (const name of fs.readdir(FOLDER)) {
    const path = `${FOLDER}/${name}`;
    const { mode, size } = fs.stat(path);
    if (fs.isDir(mode) || size > MAX_FILE_BYTES) continue;
    if (files.length === MAX_FILES) break;
    const type = TYPES[name.split(".").at(-1)?.toLowerCase() ?? ""] ?? "application/octet-stream";
    let binary = "";
    for (const byte of fs.readFile(path)) binary += String.fromCharCode(byte);
    files.push({ name, type, url: `data:${type};base64,${btoa(binary)}` });
  }
  return files;
}

async function answer(code: string): Promise<PythonResult> {
  const [out, err] = [collector(), collector()];
  python.setStdout(out);
  python.setStderr(err);
  const result = (await run(code, FOLDER))?.slice(0, MAX_OUTPUT) ?? null;
  return { stdout: out.text(), stderr: err.text(), result, files: filesIn(python.FS) };
}

const runtime = new URL("/pyodide/", import.meta.url).href;
const { loadPyodide } = await import(`${runtime}pyodide.mjs`);
const python: Pyodide = await loadPyodide({ indexURL: runtime });
const run = python.runPython(RUN) as Run;
// What even Python can't tell ends this worker: its page hears of an error.
scope.onmessage = ({ data }) =>
  void answer(data.code).then((result) => scope.postMessage(result), reportError);
scope.postMessage({ ready: true });
