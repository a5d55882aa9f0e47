import { useState } from "preact/hooks";
import { directModels } from "../../client/direct_connections.ts";
import { messageOf } from "../../client/errors.ts";
import type { AppSession } from "../app_session.ts";
import { signedIn, signOut } from "../signed_in.ts";
import { useValue } from "../ui/observable.ts";
import { change, forgetDirect, type Settings, settings } from "../settings.ts";
import { toast } from "../ui/toasts.tsx";
import { ProfileForm } from "./profile_form.tsx";

export function SettingsPage({ session }: { session: AppSession }) {
  return (
    <main tabIndex={-1}>
      <h1 class="bar">Settings</h1>
      <div class="scroll">
        <div class="sheet">
          <Look />
          <OwnModel />
          <Account session={session} />
        </div>
      </div>
    </main>
  );
}

function Look() {
  const { theme, sound } = useValue(settings);
  const [permission, setPermission] = useState(globalThis.Notification?.permission);
  return (
    <section class="card" aria-labelledby="look-title">
      <h2 id="look-title">Look and sound</h2>
      <label>
        Colours
        <select
          value={theme}
          onChange={(event) => change({ theme: event.currentTarget.value as Settings["theme"] })}
        >
          <option value="system">As the system</option>
          <option value="light">Light</option>
          <option value="dark">Dark</option>
        </select>
      </label>
      <label class="row">
        <input
          type="checkbox"
          checked={sound}
          onChange={(event) => change({ sound: event.currentTarget.checked })}
        />
        A sound when something comes while I look elsewhere
      </label>
      {permission === "default" && (
        <div class="buttons">
          <button
            type="button"
            class="quiet"
            onClick={async () => setPermission(await Notification.requestPermission())}
          >
            Allow notifications
          </button>
        </div>
      )}
      {permission === "denied" && (
        <p class="hint">This browser does not allow notifications from here.</p>
      )}
    </section>
  );
}

/** A model of one's own: the key stays in this browser, which also does the asking. */
function OwnModel() {
  const { direct } = useValue(settings);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string>();

  async function submit(event: SubmitEvent) {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const baseUrl = String(form.get("url")).trim().replace(/\/+$/, "");
    const apiKey = String(form.get("key"));
    setBusy(true);
    setError(undefined);
    try {
      const models = await directModels({ baseUrl, apiKey });
      change({ direct: { baseUrl, apiKey, models } });
      toast(`Connected: ${models.length} ${models.length === 1 ? "model" : "models"}.`, "success");
    } catch (thrown) {
      setError(`It can't be reached from this browser. ${messageOf(thrown)}`);
    }
    setBusy(false);
  }

  return (
    <section class="card" aria-labelledby="own-title">
      <h2 id="own-title">Your own model</h2>
      <p class="hint">
        An OpenAI-compatible address. Your key stays in this browser, and your browser does the
        asking.
      </p>
      <form class="card-form" onSubmit={submit} aria-busy={isBusy}>
        <label>
          Address
          <input
            name="url"
            type="url"
            required
            value={direct?.baseUrl}
            placeholder="http://localhost:11434/v1"
          />
        </label>
        <label>
          Key
          <input name="key" type="password" autocomplete="off" value={direct?.apiKey} />
        </label>
        {error && <p class="error" role="alert">{error}</p>}
        <div class="buttons">
          <button type="submit" class="primary" disabled={isBusy}>
            {isBusy ? "Asking for its models…" : "Connect"}
          </button>
          {direct && (
            <button
              type="button"
              class="quiet danger"
              onClick={() => forgetDirect()}
            >
              Forget it
            </button>
          )}
        </div>
      </form>
      {direct && (
        <ul class="chips" aria-label="Models">
          {direct.models.map((id) => <li key={id}>{id}</li>)}
        </ul>
      )}
    </section>
  );
}

function Account({ session }: { session: AppSession }) {
  const { email, role } = session.me;
  return (
    <section class="card" aria-labelledby="account-title">
      <h2 id="account-title">Account</h2>
      <p>
        {email} {role === "admin" && <span class="hint">(administrator)</span>}
      </p>
      <ProfileForm session={session} />
      <PasswordForm session={session} />
      <div class="buttons">
        <button type="button" class="quiet" onClick={() => void signOut()}>Sign out</button>
        <button
          type="button"
          class="quiet danger"
          onClick={() => void signOut({ isEverywhere: true })}
        >
          Sign out everywhere
        </button>
      </div>
    </section>
  );
}

/** Another password; whoever else is signed in with this account is out then. */
function PasswordForm({ session }: { session: AppSession }) {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string>();

  async function submit(event: SubmitEvent) {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    setBusy(true);
    setError(undefined);
    try {
      const said = new FormData(form);
      const [password, new_password] = ["password", "new_password"]
        .map((name) => String(said.get(name) ?? ""));
      const body = { password: password ?? "", new_password: new_password ?? "" };
      signedIn(await session.api("POST /api/v1/auths/update/password", { body }));
      toast("The password is changed; other devices are signed out.", "success");
    } catch (thrown) {
      setError(messageOf(thrown));
      setBusy(false);
    }
  }

  return (
    <form class="card-form" onSubmit={submit} aria-busy={isBusy}>
      <label>
        Password of now
        <input name="password" type="password" autocomplete="current-password" required />
      </label>
      <label>
        New password
        <input
          name="new_password"
          type="password"
          autocomplete="new-password"
          minLength={8}
          required
        />
      </label>
      {error && <p class="error" role="alert">{error}</p>}
      <div class="buttons">
        <button type="submit" class="quiet" disabled={isBusy}>Change password</button>
      </div>
    </form>
  );
}
