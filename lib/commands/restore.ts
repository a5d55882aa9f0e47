/** `deno task restore`: see the usage. */
import { restoreKv } from "../state/kv_backup.ts";
import { kvFileOrRefuse, runCommand, sizeOf, tell } from "./command.ts";

await runCommand({
  usage: `
deno task restore FILE

Puts a backup in the place of the store, after looking at every page of it. What was there stays
beside it, as …before-restore-TIME. Refuses while a server uses the store, when the backup is damaged,
and when a newer version of webui-realtime has written the backup or the store.

  FILE           what \`deno task backup\` has made
  DENO_KV_PATH   the store's file, as the server has it`,
  arguments: { least: 1, most: 1 },
  async run([file = ""]) {
    const { path, keyPrefix } = kvFileOrRefuse("deno task restore");
    const { bytes, entries, schema, kept } = await restoreKv(file, path, keyPrefix);
    tell(`${path}: ${sizeOf(bytes)}, ${entries} entries, form ${schema}; every page is whole.`);
    if (kept !== undefined) tell(`What was there before is kept: ${kept}`);
  },
});
