import { useEffect } from "preact/hooks";
import { Icon } from "../ui/icons.tsx";
import { usePageTitle } from "../ui/page_title.ts";
import { askWhetherIn, type Me, signOut } from "../signed_in.ts";

const EVERY_MS = 3_000;

/** Somebody who has signed up and is not let in yet: it opens by itself once they are. */
export function WaitingPage({ me }: { me: Me }) {
  usePageTitle("Waiting");
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let isEnded = false;
    const ask = async () => {
      clearTimeout(timer);
      // Nobody looks: it is asked when somebody does.
      if (document.visibilityState === "visible") await askWhetherIn(me);
      if (!isEnded) timer = setTimeout(ask, EVERY_MS);
    };
    const onVisible = () => void ask();
    void ask();
    document.addEventListener("visibilitychange", onVisible);
    return () => {
      isEnded = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [me.token]);
  return (
    <main class="sign-in" tabIndex={-1}>
      <div class="waits" role="status">
        <span class="empty-icon">
          <Icon name="check" />
        </span>
        <h1>Your account is there, {me.name}</h1>
        <p>
          An admin lets you in. You can leave this page open: it opens by itself as soon as they
          have.
        </p>
        <p class="hint">{me.email}</p>
        <button type="button" class="quiet" onClick={() => void signOut()}>Sign out</button>
      </div>
    </main>
  );
}
