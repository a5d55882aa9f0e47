/// <reference lib="dom" />
/** Python as a page of somebody else's would run it; bundled for the test that opens it. */
import { PythonRunner } from "../../../lib/client/python_runner.ts";

/** A runner on the worker that the server offers, with a limit that a test can wait for. */
async function openPython(limitMs: number): Promise<void> {
  const home = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
  const address = home.body.dataset.python ?? "";
  const start = () => new Worker(address, { type: "module" });
  Object.assign(globalThis, { python: new PythonRunner({ start, limitMs }) });
}

Object.assign(globalThis, { openPython });
