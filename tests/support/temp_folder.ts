import { endsWithTask } from "./ending.ts";

/** A folder for a database, gone after the test. */
export async function tempFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir({ prefix: "webui-realtime-" });
  const remove = () => Deno.remove(path, { recursive: true });
  const forget = endsWithTask(remove);
  return { path, [Symbol.asyncDispose]: () => remove().finally(forget) };
}
