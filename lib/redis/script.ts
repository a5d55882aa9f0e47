import { createHash } from "node:crypto";

/** A piece of Lua that runs on the server as one atomic step, on one key. */
export interface Script {
  readonly lua: string;
  /** The name by which a server that has seen it runs it again. */
  readonly sha: string;
}

export function script(lua: string): Script {
  return { lua, sha: createHash("sha1").update(lua).digest("hex") };
}

export type ScriptArgument = string | number | Buffer;

/** What a script is given: the same each time, or by how often it may have been carried out before. */
export type ScriptArguments = readonly ScriptArgument[] | ((attempt: number) => ScriptArgument[]);
