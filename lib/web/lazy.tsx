import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../client/errors.ts";
import { ErrorState, Loading } from "./states.tsx";

/** A page whose code is loaded when it is first looked at. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let loaded: ComponentType<P> | undefined;
  return function Lazy(props: P) {
    const [error, setError] = useState<string>();
    const [, draw] = useState(0);
    const start = () => {
      setError(undefined);
      load().then((component) => {
        loaded = component;
        draw((count) => count + 1);
      }, (thrown) => setError(messageOf(thrown)));
    };
    useEffect(() => {
      if (!loaded) start();
    }, []);
    if (error !== undefined) return <ErrorState text={error} onRetry={start} />;
    const Component = loaded;
    return Component ? <Component {...props} /> : <Loading what="page" />;
  };
}
