/** `deno task export`: see the usage. */
import { AppError } from "../common/errors.ts";
import { openStore } from "../app/store.ts";
import { migrate } from "../state/schema.ts";
import { exportStore } from "../transfer/export_store.ts";
import { writeLine } from "../transfer/lines.ts";
import { commandLogger, configOfServer, runCommand, sizeOf, tell } from "./command.ts";
import { Progress } from "./progress.ts";

const CHUNK_CHARS = 256 * 1024;

async function output(file: string): Promise<WritableStream<Uint8Array>> {
  if (file === "-") return Deno.stdout.writable;
  try {
    const opened = await Deno.open(file, { write: true, createNew: true, mode: 0o600 });
    return opened.writable;
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.AlreadyExists)) throw thrown;
    throw new AppError("conflict", `${file} is there already: name another file.`);
  }
}

await runCommand({
  usage: `
deno task export FILE

Writes what people have made as lines of JSON: users with the hashes of their passwords, groups, chats
with their messages, notes with their text, channels with members, messages, reactions and pins. Keep
the file as you keep passwords; only its owner may read it.

  FILE     a new file, or - for standard output

The store is the one that a server with the same variables has: DENO_KV_PATH, or WEBSOCKET_MANAGER=redis
with WEBSOCKET_REDIS_URL. Stop its servers first, or export a restored backup: a store that is written
to meanwhile is given as it is at each record's turn. What signs the tokens (WEBUI_SECRET_KEY) is not
exported: with another one, everybody signs in again.`,
  arguments: { least: 1, most: 1 },
  async run([file = ""]) {
    const { store } = await openStore(configOfServer(), commandLogger);
    await using _ = store;
    await migrate(store, { logger: commandLogger });
    const writable = await output(file);
    const writer = writable.getWriter();
    const encoder = new TextEncoder();
    const progress = new Progress("records");
    let [text, count, bytes] = ["", 0, 0];
    const flush = async () => {
      const chunk = encoder.encode(text);
      text = "";
      bytes += chunk.length;
      await writer.write(chunk);
    };
    for await (const line of exportStore(store)) {
      text += `${writeLine(line)}\n`;
      if (line.type !== "header" && line.type !== "end") count++;
      if (text.length < CHUNK_CHARS) continue;
      await flush();
      progress.at(count);
    }
    await flush();
    await writer.close();
    tell(`${progress.of(count)}, ${sizeOf(bytes)}`);
  },
});
