import type { Connection } from "../../client/connection.ts";
import { isSynced } from "../../client/document_catch_up.ts";
import { DocumentProvider } from "../../client/document_provider.ts";
import { forgetEdits, isFresh, keptEdits } from "../personal_database.ts";
import { route } from "../route.ts";
import { colourOf } from "../ui/colours.ts";

/** Whose edits they are, and what they go over. */
interface Deliverer {
  me: { id: string; name: string };
  connection: Connection;
}

let running: Promise<void> | undefined;

/** Sends the kept edits of all notes but the one that is open, which sends its own. Never rejects. */
export function deliverEdits(session: Deliverer): Promise<void> {
  running ??= deliver(session).catch(() => {
    // What is kept stays, and is tried again with the next connection.
  }).finally(() => running = undefined);
  return running;
}

async function deliver({ me, connection }: Deliverer): Promise<void> {
  const kept = (await keptEdits(me.id)).filter(isFresh);
  for (const [noteId, edits] of Map.groupBy(kept, ({ noteId }) => noteId)) {
    const { place, id } = route.value;
    if (connection.status.state !== "online") return;
    if (place === "note" && id === noteId) continue;
    using provider = new DocumentProvider({
      ...{ connection, documentId: `note:${noteId}`, kept: edits },
      user: { id: me.id, name: me.name, color: colourOf(me.id) },
    });
    // Nobody is there.
    provider.awareness.setLocalState(null);
    // What is not synced in time stays kept, and is tried again with the next connection.
    if (!await isSynced(provider)) continue;
    for (const { key } of edits) await forgetEdits(me.id, key);
  }
}
