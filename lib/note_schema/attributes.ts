import { isAllowedUri } from "@tiptap/extension-link";

const isText = (value: unknown) => value === null || typeof value === "string";
const isStyle = (value: unknown) =>
  value === null || (typeof value === "string" && isSafeStyle(value));
const isWhole = (value: unknown, from: number, to: number) =>
  Number.isInteger(value) && Number(value) >= from && Number(value) <= to;
const isSize = (value: unknown) => isText(value) || typeof value === "number";

/** A style's value that is one value: no second declaration, nothing that loads. */
export const isSafeStyle = (value: string): boolean =>
  value.length <= 200 && /^[^;:{}<>\\]*$/.test(value) && !/url\s*\(|expression\s*\(/i.test(value);

/** An address that may be followed or shown. */
export const isSafeAddress = (value: string): boolean => Boolean(isAllowedUri(value));
const isSafePicture = (value: string) => isSafeAddress(value) || /^data:image\//i.test(value);

const VALID: Readonly<Record<string, (value: unknown) => boolean>> = {
  level: (value) => isWhole(value, 1, 6),
  start: (value) => isWhole(value, 0, 999_999_999),
  checked: (value) => typeof value === "boolean",
  colspan: (value) => isWhole(value, 1, 1_000),
  rowspan: (value) => isWhole(value, 1, 65_534),
  colwidth: (value) =>
    value === null || (Array.isArray(value) && value.every((one) => isWhole(one, 0, 100_000))),
  align: (value) => value === null || /^(left|center|right|justify)$/.test(String(value)),
  href: (value) => value === null || (typeof value === "string" && isSafeAddress(value)),
  src: (value) => value === null || (typeof value === "string" && isSafePicture(value)),
  color: isStyle,
  backgroundColor: isStyle,
  fontFamily: isStyle,
  fontSize: isStyle,
  lineHeight: isStyle,
  width: isSize,
  height: isSize,
  id: isSize,
};

/** Whether the schema's types take the value; another client may have written anything. */
export const isValidAttribute = (name: string, value: unknown): boolean =>
  (VALID[name] ?? isText)(value);
