import { useState } from "preact/hooks";
import type { AppSession } from "../app_session.ts";
import { lazy } from "../lazy.tsx";
import { useValue } from "../ui/observable.ts";

const ModelHint = lazy(async () => (await import("./model_hint.tsx")).ModelHint);

/** While nobody but the built-in model answers, it is said, with what to do about it. */
export function EchoNotice({ session }: { session: AppSession }) {
  const isEchoOnly = useValue(session.isEchoOnly);
  const [isOpen, setOpen] = useState(false);
  if (!isEchoOnly) return null;
  return (
    <div class="notice echo" role="status">
      Only the built-in model <b>Echo</b> answers: it says what you say.{" "}
      {session.me.role === "admin"
        ? <button type="button" class="link" onClick={() => setOpen(true)}>Connect a model</button>
        : "An admin can connect a real one, and you one of your own under Settings."}
      {isOpen && <ModelHint onClose={() => setOpen(false)} />}
    </div>
  );
}
