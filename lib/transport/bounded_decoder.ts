import { Decoder } from "socket.io-parser";
import { isNestedDeeper, MAX_JSON_DEPTH } from "../common/json_nesting.ts";

/** What the connection ends with whose packet is nested too deeply. */
export const NESTED_TOO_DEEPLY = "packet nested too deeply";

/** Socket.IO's decoder, which refuses nesting before it parses it. The throw ends the connection. */
export class BoundedDecoder extends Decoder {
  override add(data: unknown): void {
    if (typeof data === "string" && isNestedDeeper(data, MAX_JSON_DEPTH)) {
      throw new Error(NESTED_TOO_DEEPLY);
    }
    super.add(data);
  }
}
