import { useState } from "preact/hooks";
import { messageOf } from "../../client/errors.ts";
import type { AppSession } from "../app_session.ts";
import { useValue } from "../ui/observable.ts";
import { toast } from "../ui/toasts.tsx";
import { PersonPicture } from "./person_picture.tsx";
import { smallPicture } from "./small_picture.ts";

/** What the account has where there is no picture. */
const NO_PICTURE = "/user.png";

/** One's own name and picture, as others see them. */
export function ProfileForm({ session }: { session: AppSession }) {
  const { id } = session.me;
  const { name, picture } = useValue(session.profile);
  const [typed, setTyped] = useState<string>();
  const [chosen, setChosen] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const shown = chosen ?? picture;

  async function choose(file: File | undefined) {
    if (!file) return;
    setError(undefined);
    try {
      setChosen(await smallPicture(file));
    } catch (thrown) {
      setError(messageOf(thrown));
    }
  }

  async function submit(event: SubmitEvent) {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const body = {
        name: (typed ?? name).trim(),
        ...(chosen !== undefined && { profile_image_url: chosen }),
      };
      const me = await session.api("POST /api/v1/auths/update/profile", { body });
      session.profile.value = { name: me.name, picture: me.profile_image_url };
      setChosen(undefined);
      setTyped(undefined);
      toast("Saved.", "success");
    } catch (thrown) {
      setError(messageOf(thrown));
    }
    setBusy(false);
  }

  return (
    <form class="card-form" onSubmit={submit} aria-busy={isBusy}>
      <label>
        Name
        <input
          name="name"
          autocomplete="name"
          required
          maxLength={100}
          value={typed ?? name}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
      <label>
        Picture
        <span class="picture-choice">
          <PersonPicture id={id} name={name} url={shown} />
          <input
            type="file"
            accept="image/*"
            onChange={(event) => void choose(event.currentTarget.files?.[0])}
          />
        </span>
      </label>
      {error && <p class="error" role="alert">{error}</p>}
      <div class="buttons">
        <button type="submit" class="quiet" disabled={isBusy}>Save</button>
        {shown?.startsWith("data:") && (
          <button
            type="button"
            class="quiet"
            onClick={() => setChosen(NO_PICTURE)}
          >
            No picture
          </button>
        )}
      </div>
    </form>
  );
}
