/**
 * Gives every test a limit: loaded before the test files (`deno test --preload`), as Deno has none of its own.
 * A test that hangs fails with its name while the others go on, instead of the whole run ending in silence.
 */
import { limited } from "./limited.ts";

/** Far more than the slowest test takes on a busy machine. */
const LIMIT_MS = 300_000;

const register = Deno.test;
const withLimit = (...args: unknown[]) =>
  Reflect.apply(register, Deno, limited(args, LIMIT_MS)) as void;

Object.assign(Deno, { test: Object.assign(withLimit, register) });
