import { Dialogs } from "./ui/dialogs.tsx";
import { session, waiting } from "./signed_in.ts";
import { lazy } from "./lazy.tsx";
import { RealtimeProvider } from "../client/react/context.ts";
import { useValue } from "./ui/observable.ts";
import { Shell } from "./shell.tsx";
import { SignInPage } from "./people/sign_in_page.tsx";
import { Toasts } from "./ui/toasts.tsx";

const WaitingPage = lazy(async () => (await import("./people/waiting_page.tsx")).WaitingPage);

/** The whole page: who is signed in decides what there is. */
export function App() {
  const current = useValue(session);
  const comer = useValue(waiting);
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
        : comer
        ? <WaitingPage me={comer} />
        : <SignInPage />}
      <Dialogs />
      <Toasts />
    </>
  );
}
