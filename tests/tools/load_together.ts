/**
 * Loads several test files into one isolate: to load the whole server again takes half a second of a processor,
 * and most files test for less. Each test is named with its file, as `deno test` names it by its module alone.
 */
export async function loadTogether(files: readonly string[]): Promise<void> {
  const register = Deno.test;
  for (const file of files) {
    const withFile = (...args: unknown[]) =>
      Reflect.apply(register, Deno, prefixed(args, `${file} => `)) as void;
    Object.assign(Deno, { test: Object.assign(withFile, register) });
    await import(new URL(`../../${file}`, import.meta.url).href);
  }
}

/** The arguments of a `Deno.test`, in any of its forms, with a longer name. */
export function prefixed(args: readonly unknown[], prefix: string): unknown[] {
  const isNamed = (arg: unknown): arg is { name: string } =>
    typeof arg === "object" && arg !== null && "name" in arg;
  const at = args.findIndex((arg) => typeof arg === "string" || isNamed(arg));
  const arg = args[at];
  if (typeof arg === "string") return args.with(at, prefix + arg);
  if (isNamed(arg)) return args.with(at, { ...arg, name: prefix + arg.name });
  // The name is that of the function, which comes last.
  return [prefix + ((args.at(-1) as { name?: string }).name ?? ""), ...args];
}
