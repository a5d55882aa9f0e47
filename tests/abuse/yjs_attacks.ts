/** Yjs updates (version 1) that are small and cost much, as no editor writes them. */
import {
  createEncoder,
  type Encoder,
  toUint8Array,
  writeUint8,
  writeVarString,
  writeVarUint,
} from "lib0/encoding";

/** Yjs' numbers of contents, and the flags beside them. */
const [STRING, TYPE, ANY] = [4, 7, 8];
const [HAS_ORIGIN, HAS_RIGHT_ORIGIN] = [0x80, 0x40];
const FRAGMENT_TYPE = 4;
const NULL = 126;
const ROOT = "prosemirror";

/** One client's run of items; `item` writes each after its first byte. */
function run(
  encoder: Encoder,
  { client, count, item }: { client: number; count: number; item(at: number): void },
): void {
  for (const number of [count, client, 0]) writeVarUint(encoder, number);
  for (let at = 0; at < count; at++) item(at);
}

function inRoot(encoder: Encoder): void {
  writeVarUint(encoder, 1);
  writeVarString(encoder, ROOT);
}

function update(clients: number, write: (encoder: Encoder) => void): Uint8Array {
  const encoder = createEncoder();
  writeVarUint(encoder, clients);
  write(encoder);
  writeVarUint(encoder, 0);
  return toUint8Array(encoder);
}

/** X1: items in order that Yjs merges one by one, each time with a copy of all. */
export function chain(count: number, client = 1_000_001): Uint8Array {
  return update(1, (encoder) =>
    run(encoder, {
      client,
      count,
      item(at) {
        writeUint8(encoder, at === 0 ? ANY : ANY | HAS_ORIGIN);
        if (at === 0) inRoot(encoder);
        else for (const number of [client, at - 1]) writeVarUint(encoder, number);
        writeVarUint(encoder, 1);
        writeUint8(encoder, NULL);
      },
    }));
}

/** Types in one another. */
export function nested(count: number, client = 2_000_001): Uint8Array {
  return update(1, (encoder) =>
    run(encoder, {
      client,
      count,
      item(at) {
        writeUint8(encoder, TYPE);
        if (at === 0) inRoot(encoder);
        else for (const number of [0, client, at - 1]) writeVarUint(encoder, number);
        writeVarUint(encoder, FRAGMENT_TYPE);
      },
    }));
}

/** X3: items of as many clients at the same place, before different ones: each looks at all others. */
export function conflicting(count: number, client = 3_000_001): Uint8Array {
  return update(count + 1, (encoder) => {
    for (let at = count; at > 0; at--) {
      run(encoder, {
        client: client + at,
        count: 1,
        item() {
          writeUint8(encoder, STRING | HAS_RIGHT_ORIGIN);
          for (const number of [client, at - 1]) writeVarUint(encoder, number);
          writeVarString(encoder, "x");
        },
      });
    }
    run(encoder, {
      client,
      count: 1,
      item() {
        writeUint8(encoder, STRING);
        inRoot(encoder);
        writeVarString(encoder, "b".repeat(count));
      },
    });
  });
}

/** X14: a value of that many arrays in one another. */
export function deepValue(depth: number, client = 4_000_001): Uint8Array {
  return update(1, (encoder) =>
    run(encoder, {
      client,
      count: 1,
      item() {
        writeUint8(encoder, ANY);
        inRoot(encoder);
        writeVarUint(encoder, 1);
        for (let at = 0; at < depth; at++) {
          writeUint8(encoder, 117);
          writeVarUint(encoder, 1);
        }
        writeUint8(encoder, NULL);
      },
    }));
}
