/** A document's state, cut into updates that are each applied in a moment. */
import * as encoding from "lib0/encoding";
import * as Y from "yjs";
import type { WeighedDoc } from "./weighed_doc.ts";

/** Items of one piece: a millisecond's worth, or some where they stand far from each other. */
const STRUCTS_OF_A_PIECE = 500;

type Struct = Y.Item | Y.GC;
type Run = { client: number; structs: Struct[] };

/**
 * Updates that make the document when they are applied one after another, each of which needs only
 * what came before it, and what the holder of the state vector has. What waits for items that are
 * not there comes with the last one.
 */
export function piecesOf(doc: WeighedDoc, stateVector?: Uint8Array): Uint8Array[] {
  const known = stateVector ? Y.decodeStateVector(stateVector) : new Map<number, number>();
  const clients = [...doc.store.clients].map(([client, structs]) => {
    const clock = known.get(client) ?? 0;
    const isAll = clock >= Y.getState(doc.store, client);
    return { client, structs, at: isAll ? structs.length : Y.findIndexSS(structs, clock) };
  });
  const isKnown = (id: Y.ID | null) => id === null || id.clock < (known.get(id.client) ?? 0);
  const pieces: Uint8Array[] = [];
  let runs: Run[] = [];
  let count = 0;
  const flush = () => {
    if (count > 0) pieces.push(encode(runs));
    runs = [];
    count = 0;
  };
  for (let isProgress = true; isProgress;) {
    isProgress = false;
    for (const one of clients) {
      let run: Run | undefined;
      for (; one.at < one.structs.length; one.at++) {
        const struct = one.structs[one.at] as Struct;
        if (!needs(struct).every(isKnown)) break;
        if (!run) runs.push(run = { client: one.client, structs: [] });
        run.structs.push(struct);
        known.set(one.client, struct.id.clock + struct.length);
        isProgress = true;
        // A client stands once in an update: what it has next is for the next piece.
        if (++count >= STRUCTS_OF_A_PIECE) {
          flush();
          run = undefined;
        }
      }
    }
    flush();
  }
  return [...pieces, Y.encodeStateAsUpdate(doc, stateVectorOf(known))];
}

/** The items that must be there before this one. */
function needs(struct: Struct): (Y.ID | null)[] {
  if (!(struct instanceof Y.Item)) return [];
  const { parent } = struct;
  const parentId = parent instanceof Y.AbstractType ? parent._item?.id ?? null : null;
  return [struct.origin, struct.rightOrigin, parentId];
}

/** Of Yjs' first format: the runs, and nothing deleted. */
function encode(runs: readonly Run[]): Uint8Array {
  const encoder = new Y.UpdateEncoderV1();
  encoding.writeVarUint(encoder.restEncoder, runs.length);
  for (const { client, structs } of runs) {
    encoding.writeVarUint(encoder.restEncoder, structs.length);
    encoder.writeClient(client);
    encoding.writeVarUint(encoder.restEncoder, structs[0]?.id.clock ?? 0);
    for (const struct of structs) struct.write(encoder, 0);
  }
  encoding.writeVarUint(encoder.restEncoder, 0);
  return encoder.toUint8Array();
}

function stateVectorOf(known: ReadonlyMap<number, number>): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, known.size);
  for (const [client, clock] of known) {
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, clock);
  }
  return encoding.toUint8Array(encoder);
}
