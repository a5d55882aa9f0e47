type TestFn = (context: unknown) => unknown;

const isDefinition = (arg: unknown): arg is { fn: TestFn } =>
  typeof arg === "object" && arg !== null && "fn" in arg && typeof arg.fn === "function";

/** The arguments of a `Deno.test`, in any of its forms, with a function that fails after `limitMs`. */
export function limited(args: readonly unknown[], limitMs: number): unknown[] {
  // Made here, so that its stack names the line of the test.
  const late = new Error(`The test has not ended within ${limitMs / 1_000} s`);
  const wrap = (fn: TestFn): TestFn => async (context) => {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(late), limitMs);
    try {
      await Promise.race([fn(context), promise]);
    } finally {
      clearTimeout(timer);
    }
  };
  return args.map((arg) => {
    if (typeof arg === "function") return named(wrap(arg as TestFn), arg.name);
    return isDefinition(arg) ? { ...arg, fn: named(wrap(arg.fn), arg.fn.name) } : arg;
  });
}

/** `Deno.test(function name() {})` takes the test's name from its function. */
function named(fn: TestFn, name: string): TestFn {
  return Object.defineProperty(fn, "name", { value: name });
}
