import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../client/errors.ts";
import { useValue } from "./ui/observable.ts";
import { ErrorState, Loading } from "./ui/states.tsx";
import { assetFailed, isOutdated } from "./version.ts";

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
      }, (thrown) => {
        assetFailed();
        setError(messageOf(thrown));
      });
    };
    useEffect(() => {
      if (!loaded) start();
    }, []);
    const isGone = useValue(isOutdated);
    if (error !== undefined && isGone) {
      return <ErrorState text="This page has been replaced by a new version." />;
    }
    if (error !== undefined) return <ErrorState text={error} onRetry={start} />;
    const Component = loaded;
    return Component ? <Component {...props} /> : <Loading what="page" />;
  };
}
