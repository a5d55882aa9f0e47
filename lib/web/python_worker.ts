/** Python in a worker of its own (Pyodide): one piece of code a message. */
import type { PythonAnswer, PythonRequest } from "../client/python_runner.ts";
import { STDIN } from "../client/python_stdin.ts";
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
  setStdin(input: { stdin: () => string | null }): void;
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
/** How much of what was printed before a question is shown with it. */
const MAX_PROMPT = 2_000;
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
 * as it is. Of a traceback, only the code's own lines are told, and those of modules that it wrote:
 * also of what an error was caused by, and of the errors in a group.
 */
const RUN = `
import linecache, os, shutil, sys, traceback
from pyodide.code import eval_code_async

FILE = "main.py"

def own(told, folder, seen):
    if told is None or id(told) in seen:
        return
    seen.add(id(told))
    mine = [frame for frame in told.stack or [] if frame.filename == FILE or frame.filename.startswith(folder)]
    told.stack = traceback.StackSummary.from_list(mine) if mine else None
    for other in (told.__cause__, told.__context__, *(told.exceptions or [])):
        own(other, folder, seen)

def tell(error, folder):
    if isinstance(error, SystemExit):
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
        return
    told = traceback.TracebackException.from_exception(error, compact=True)
    own(told, folder, set())
    print("".join(told.format()), end="", file=sys.stderr)

async def run(code, folder):
    try:
        os.chdir("/")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        os.chdir(folder)
        linecache.cache[FILE] = (len(code), None, code.splitlines(True), FILE)
        value = await eval_code_async(code, {"__name__": "__main__"}, filename=FILE)
        return value if value is None or isinstance(value, str) else repr(value)
    except BaseException as error:
        tell(error, folder + "/")
    finally:
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(folder + "/"):
                del sys.modules[name]
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
    /** What a person answered, as a terminal shows it. */
    echo: (line: string) => void (text += `${line}\n`),
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

/**
 * A line of what a person types. The worker stands still until the page has written it into the
 * memory they share, which pages without TLS do not have.
 */
function readLine(): string | null {
  if (!stdin) {
    err.write(new TextEncoder().encode("input() needs a page over HTTPS.\n"));
    return null;
  }
  const state = new Int32Array(stdin, 0, 2);
  Atomics.store(state, 0, STDIN.waiting);
  scope.postMessage({ asks: out.text().slice(asked).slice(-MAX_PROMPT) });
  Atomics.wait(state, 0, STDIN.waiting);
  if (state[0] !== STDIN.line) return null;
  const line = new TextDecoder().decode(new Uint8Array(stdin, 8, state[1]).slice());
  out.echo(line);
  asked = out.text().length;
  return line;
}

async function answer(code: string): Promise<PythonResult> {
  [out, err, asked] = [collector(), collector(), 0];
  python.setStdout(out);
  python.setStderr(err);
  const result = (await run(code, FOLDER))?.slice(0, MAX_OUTPUT) ?? null;
  return { stdout: out.text(), stderr: err.text(), result, files: filesIn(python.FS) };
}

const stdin = typeof SharedArrayBuffer === "undefined"
  ? undefined
  : new SharedArrayBuffer(STDIN.size);
let [out, err] = [collector(), collector()];
/** How much of the output had been there when the code last asked. */
let asked = 0;
const runtime = new URL("../pyodide/", import.meta.url).href;
const { loadPyodide } = await import(`${runtime}pyodide.mjs`);
const python: Pyodide = await loadPyodide({ indexURL: runtime });
python.setStdin({ stdin: readLine });
const run = python.runPython(RUN) as Run;
// What even Python can't tell ends this worker: its page hears of an error.
scope.onmessage = ({ data }) =>
  void answer(data.code).then((result) => scope.postMessage(result), reportError);
scope.postMessage({ ready: true, ...(stdin && { stdin }) });
