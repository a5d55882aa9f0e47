import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../../client/errors.ts";
import type { PublicConfig } from "../../protocol/public_config.ts";
import { openApi, signedIn } from "../signed_in.ts";
import { setPageTitle } from "../ui/page_title.ts";

/** How long a server may take to say whether anybody is here, before the form is shown. */
const MAX_WAIT_MS = 1_500;

/** Sign in, or up: one form, one field more. */
export function SignInPage() {
  const [isNew, setNew] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const [config, setConfig] = useState<PublicConfig>();
  // A server that can't be asked now may let people in all the same.
  const maySignUp = config?.features.enable_signup !== false;
  const isFirst = config?.onboarding === true;
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    // What the form is for is known in a moment; without an answer, people can sign in all the same.
    const timer = setTimeout(() => setLate(true), MAX_WAIT_MS);
    return () => clearTimeout(timer);
  }, []);
  useEffect(() => {
    setPageTitle("Sign in");
    openApi("GET /api/config").then((found) => {
      setConfig(found);
      if (found.onboarding) setNew(true);
      else if (!found.features.enable_signup) setNew(false);
    }, () => setLate(true));
  }, []);

  async function submit(event: SubmitEvent) {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    setError(undefined);
    try {
      const said = (name: string) => String(form.get(name) ?? "");
      const known = { email: said("email"), password: said("password") };
      const me = isNew
        ? await openApi.signUp({ ...known, name: said("name") })
        : await openApi.signIn(known);
      return signedIn(me);
    } catch (thrown) {
      setError(messageOf(thrown));
    }
    setBusy(false);
  }

  if (!config && !isLate) return <main class="sign-in" aria-busy="true" />;
  return (
    <main class="sign-in">
      <form onSubmit={submit} aria-busy={isBusy}>
        <img src="icon.svg" alt="" width="52" height="52" />
        <h1>
          {isFirst ? "Create the first account" : isNew ? "Create your account" : "Welcome back"}
        </h1>
        <p class="lead">
          {isFirst
            ? "You will be the admin: you decide who else comes in."
            : "Chats, channels and notes, live wherever you are."}
        </p>
        {isNew && (
          <label>
            Name
            <input name="name" autocomplete="name" required maxLength={100} />
          </label>
        )}
        <label>
          E-mail
          <input name="email" type="email" autocomplete="email" required maxLength={254} />
        </label>
        <label>
          Password
          <input
            name="password"
            type="password"
            autocomplete={isNew ? "new-password" : "current-password"}
            required
            minLength={isNew ? 8 : 1}
            aria-describedby={isNew ? "password-hint" : undefined}
          />
        </label>
        {isNew && <p class="hint" id="password-hint">At least 8 characters.</p>}
        {error && <p class="error" role="alert">{error}</p>}
        <button type="submit" class="primary" disabled={isBusy}>
          {isBusy ? "One moment…" : isNew ? "Sign up" : "Sign in"}
        </button>
        {maySignUp && !isFirst && (
          <p class="switch">
            {isNew ? "Signed up before?" : "New here?"}{" "}
            <button
              type="button"
              class="link"
              onClick={() => {
                setNew(!isNew);
                setError(undefined);
              }}
            >
              {isNew ? "Sign in" : "Create an account"}
            </button>
          </p>
        )}
        {!maySignUp && (
          <p class="hint">
            Signing up is closed on this server.
          </p>
        )}
      </form>
    </main>
  );
}
