/**
 * Python in a browser's worker.
 *
 * @module
 */
export {
  type PythonAnswer,
  type PythonRequest,
  PythonRunner,
  type PythonRunnerOptions,
  type PythonWorker,
} from "../python_runner.ts";
export type { PythonResult } from "../../protocol/chat_events.ts";
