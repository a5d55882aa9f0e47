/**
 * What is in a Yjs update (version 1), counted without making any of it: a pass over the bytes that
 * holds nothing, so that whoever wrote them can't choose what reading them costs.
 */
import { createDecoder, type Decoder, readUint8, readVarInt, readVarUint } from "lib0/decoding";
import { AppError } from "../common/errors.ts";
import { isNestedDeeper } from "../common/json_nesting.ts";

/** Values in one another: an attribute of an honest editor has a few. */
const MAX_VALUE_DEPTH = 64;

/** Yjs' numbers of contents, as `readItemContent` of 13.6 has them. */
const CONTENT = { gc: 0, deleted: 1, json: 2, binary: 3, string: 4, embed: 5, format: 6, type: 7 };
const [ANY, SUBDOCUMENT, SKIP] = [8, 9, 10];
/** What a document within the document weighs, in items. */
const SUBDOCUMENT_STRUCTS = 8;
const HAS_ORIGIN = 0x80;
const HAS_RIGHT_ORIGIN = 0x40;
const HAS_PARENT_SUB = 0x20;
/** Types whose content begins with a name: XML elements and hooks. */
const NAMED_TYPES = new Set([3, 5]);

export interface UpdateSize {
  bytes: number;
  /** Items, and what stands for deleted ones. */
  structs: number;
  /** Items that hold others. */
  types: number;
  /** Values of attributes and the like, each within another counted. */
  values: number;
  /** Runs of items that it deletes. */
  deletions: number;
  /** The characters and items in all of these. */
  deleted: number;
}

/** @throws {AppError} `invalid_payload` for bytes that are no update, or values nested too deep */
export function scanUpdate(update: Uint8Array): UpdateSize {
  try {
    return new Scan(update).all();
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    throw new AppError("invalid_payload", "update: these bytes are no document update.");
  }
}

class Scan {
  readonly #decoder: Decoder;
  readonly #size: UpdateSize;

  constructor(update: Uint8Array) {
    this.#decoder = createDecoder(update);
    this.#size = {
      bytes: update.length,
      structs: 0,
      types: 0,
      values: 0,
      deletions: 0,
      deleted: 0,
    };
  }

  all(): UpdateSize {
    for (let clients = this.#number(); clients > 0; clients--) {
      const structs = this.#number();
      this.#id();
      for (let left = structs; left > 0; left--) this.#struct();
    }
    for (let clients = this.#number(); clients > 0; clients--) {
      this.#number();
      for (let ranges = this.#number(); ranges > 0; ranges--) {
        this.#number();
        this.#size.deleted += this.#number();
        this.#size.deletions++;
      }
    }
    return this.#size;
  }

  #struct(): void {
    const info = readUint8(this.#decoder);
    this.#size.structs++;
    const content = info & 0x1f;
    if (content === SKIP || content === CONTENT.gc) return void this.#number();
    if (info & HAS_ORIGIN) this.#id();
    if (info & HAS_RIGHT_ORIGIN) this.#id();
    if (!(info & (HAS_ORIGIN | HAS_RIGHT_ORIGIN))) {
      if (this.#number() === 1) this.#bytes();
      else this.#id();
      if (info & HAS_PARENT_SUB) this.#bytes();
    }
    this.#content(content);
  }

  #content(kind: number): void {
    switch (kind) {
      case CONTENT.deleted:
        return void this.#number();
      case CONTENT.json:
        for (let left = this.#number(); left > 0; left--) this.#json();
        return;
      case CONTENT.binary:
      case CONTENT.string:
        return this.#bytes();
      case CONTENT.embed:
        return this.#json();
      case CONTENT.format:
        this.#bytes();
        return this.#json();
      case CONTENT.type:
        this.#size.types++;
        if (NAMED_TYPES.has(this.#number())) this.#bytes();
        return;
      case ANY:
        for (let left = this.#number(); left > 0; left--) this.#value(1);
        return;
      case SUBDOCUMENT:
        // A document of its own.
        this.#size.structs += SUBDOCUMENT_STRUCTS;
        this.#bytes();
        return this.#value(1);
      default:
        throw new RangeError("no content of Yjs");
    }
  }

  /** A value as lib0 writes it (`writeAny`). */
  #value(depth: number): void {
    if (depth > MAX_VALUE_DEPTH) throw tooDeep();
    this.#size.values++;
    const kind = readUint8(this.#decoder);
    switch (kind) {
      case 125:
        return void readVarInt(this.#decoder);
      case 124:
        return this.#skip(4);
      case 123:
      case 122:
        return this.#skip(8);
      case 119:
      case 116:
        return this.#bytes();
      case 118:
        for (let left = this.#number(); left > 0; left--) {
          this.#bytes();
          this.#value(depth + 1);
        }
        return;
      case 117:
        for (let left = this.#number(); left > 0; left--) this.#value(depth + 1);
        return;
      default:
        // Undefined, null, false and true say all by their kind.
        if (kind < 120 || kind > 127) throw new RangeError("no value of lib0");
    }
  }

  #json(): void {
    const start = this.#decoder.pos;
    const length = this.#number();
    const from = this.#decoder.pos;
    this.#decoder.pos = start;
    this.#bytes();
    this.#size.values++;
    if (length <= MAX_VALUE_DEPTH) return;
    const text = new TextDecoder().decode(this.#decoder.arr.subarray(from, from + length));
    if (isNestedDeeper(text, MAX_VALUE_DEPTH)) throw tooDeep();
    this.#size.values += Math.ceil(length / 8);
  }

  #number(): number {
    return readVarUint(this.#decoder);
  }

  #id(): void {
    this.#number();
    this.#number();
  }

  #bytes(): void {
    this.#skip(this.#number());
  }

  #skip(length: number): void {
    this.#decoder.pos += length;
    if (this.#decoder.pos > this.#decoder.arr.length) throw new RangeError("cut short");
  }
}

const tooDeep = () => new AppError("invalid_payload", "update: its values are nested too deep.");
