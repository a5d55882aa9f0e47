import { Dialogs } from "./ui/dialogs.tsx";
import { session } from "./signed_in.ts";
import { RealtimeProvider } from "../client/react/context.ts";
import { useValue } from "./ui/observable.ts";
import { Shell } from "./shell.tsx";
import { SignInPage } from "./people/sign_in_page.tsx";
import { Toasts } from "./ui/toasts.tsx";

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
