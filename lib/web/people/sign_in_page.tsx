import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../../client/errors.ts";
import type { PublicConfig } from "../../protocol/public_config.ts";
import { openApi, signedIn } from "../signed_in.ts";

/** Sign in, or up: one form, one field more. */
export function SignInPage() {
  const [isNew, setNew] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const [config, setConfig] = useState<PublicConfig>();
  // A server that can't be asked now may let people in all the same.
  const maySignUp = config?.features.enable_signup !== false;
  useEffect(() => {
    document.title = "Sign in · WebUI";
    openApi("GET /api/config").then((found) => {
      setConfig(found);
      if (!found.features.enable_signup) setNew(false);
    }, () => undefined);
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
      if (me.role !== "pending") return signedIn(me);
      setError("Your account is there. An administrator has to let you in first.");
    } catch (thrown) {
      setError(messageOf(thrown));
    }
    setBusy(false);
  }

  return (
    <main class="sign-in">
      <form onSubmit={submit} aria-busy={isBusy}>
        <img src="icon.svg" alt="" width="52" height="52" />
        <h1>{isNew ? "Create your account" : "Welcome back"}</h1>
        <p class="lead">Chats, channels and notes, live wherever you are.</p>
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
        {maySignUp && (
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
