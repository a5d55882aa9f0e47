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
export { ERROR_CODES, type ErrorCode } from "../../protocol/error_codes.ts";
