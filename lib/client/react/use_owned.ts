import { useLayoutEffect, useState } from "react";

/**
 * What a component owns for as long as it is there and the parts it is made of stay the same;
 * `undefined` on the first drawing. Made anew after StrictMode's trial of an unmount.
 */
export function useOwned<T extends Disposable>(
  make: () => T | undefined,
  parts: readonly unknown[],
): T | undefined {
  const [owned, setOwned] = useState<{ value: T | undefined; parts: readonly unknown[] }>();
  useLayoutEffect(() => {
    const value = make();
    setOwned({ value, parts });
    return () => value?.[Symbol.dispose]();
  }, parts);
  // What belongs to the parts of the last drawing is not shown for those of this one.
  const isOfThese = owned?.parts.every((part, at) => Object.is(part, parts[at])) ?? false;
  return isOfThese ? owned?.value : undefined;
}
