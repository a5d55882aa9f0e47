import { colourOf, initialsOf } from "../ui/colours.ts";

interface PictureProps {
  id: string;
  name: string;
  /** Only a picture that stands in the address itself is shown: no stranger's server is asked. */
  url: string | undefined;
}

/** A person's own picture, or the first letters of the name. */
export function PersonPicture({ id, name, url }: PictureProps) {
  return url?.startsWith("data:image/")
    ? <img class="picture" src={url} alt="" width="36" height="36" />
    : (
      <span class="picture" aria-hidden="true" style={{ background: colourOf(id) }}>
        {initialsOf(name)}
      </span>
    );
}
