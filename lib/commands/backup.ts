/** `deno task backup`: see the usage. */
import { dirname } from "node:path";
import { backUpKv, stamp } from "../state/kv_backup.ts";
import { kvFileOrRefuse, runCommand, sizeOf, tell } from "./command.ts";

await runCommand({
  usage: `
deno task backup [FILE]

Copies the store, while servers use it, into one new file that is whole by itself and was looked at
page by page. What was acknowledged before the command began is in it.

  FILE           where to; default: backups/webui-realtime-TIME.kv beside the store
  DENO_KV_PATH   the store's file, as the server has it

Anything that copies the store's file by itself instead lacks what its log (-wal) still holds.`,
  arguments: { least: 0, most: 1 },
  async run([file]) {
    const { path, keyPrefix } = kvFileOrRefuse("deno task backup");
    const target = file ?? `${dirname(path)}/backups/webui-realtime-${stamp()}.kv`;
    await Deno.mkdir(dirname(target), { recursive: true, mode: 0o700 });
    const { bytes, entries, schema } = await backUpKv(path, target, keyPrefix);
    tell(`${target}: ${sizeOf(bytes)}, ${entries} entries, form ${schema}; every page is whole.`);
  },
});
