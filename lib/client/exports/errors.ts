/**
 * What the library throws, and how to tell it.
 *
 * @module
 */
export {
  ClientError,
  type ClientErrorCode,
  type ClientErrorOptions,
  isClientError,
  messageOf,
} from "../errors.ts";
export type { ErrorCode } from "../../protocol/error_codes.ts";
