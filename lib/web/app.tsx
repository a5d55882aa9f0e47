import { Dialogs } from "./dialogs.tsx";
import { session } from "./signed_in.ts";
import { RealtimeProvider } from "../client/react/context.ts";
import { useValue } from "./observable.ts";
import { Shell } from "./shell.tsx";
import { SignInPage } from "./sign_in_page.tsx";
import { Toasts } from "./toasts.tsx";

/** The whole page: who is signed in decides what there is. */
export function App() {
  const current = useValue(session);
  return (
    <>
      {current === "unknown"
        ? (
          <div class="splash" role="status" aria-label="Loading">
            <img src="icon.svg" alt="" width="52" height="52" />
          </div>
        )
        : current
        ? (
          <RealtimeProvider realtime={current}>
            <Shell session={current} />
          </RealtimeProvider>
        )
        : <SignInPage />}
      <Dialogs />
      <Toasts />
    </>
  );
}
