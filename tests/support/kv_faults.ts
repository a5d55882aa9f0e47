/** A Deno KV whose calls go another way. */

/** `target` with some of its methods replaced. */
export function over<T extends object>(target: T, replaced: Partial<T>): T {
  return new Proxy(target, {
    get(of, name) {
      const member: unknown = Reflect.get(replaced, name) ?? Reflect.get(of, name, of);
      return typeof member === "function" ? member.bind(of) : member;
    },
  });
}

/** A database whose commits pass `commit`, which is told how many checks they have. */
export function withCommits(
  kv: Deno.Kv,
  commit: (
    run: () => ReturnType<Deno.AtomicOperation["commit"]>,
    checks: number,
  ) => ReturnType<Deno.AtomicOperation["commit"]>,
): Deno.Kv {
  return over(kv, {
    atomic() {
      const atomic = kv.atomic();
      let checks = 0;
      const wrapped: Deno.AtomicOperation = over(atomic, {
        check: (...added) => (checks += added.length, atomic.check(...added), wrapped),
        set: (key, value, options) => (atomic.set(key, value, options), wrapped),
        delete: (key) => (atomic.delete(key), wrapped),
        commit: () => commit(() => atomic.commit(), checks),
      });
      return wrapped;
    },
  });
}
