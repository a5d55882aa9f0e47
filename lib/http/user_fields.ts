import * as v from "valibot";

/** What a request may say of a user, wherever it says it. */

export const NameSchema = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(100));

/** What nobody sees would make one address look like another. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}]/u;

/** As loose as Open WebUI's own rule: what is left out here is an account that can't sign in. */
export const EmailSchema = v.pipe(
  v.string(),
  v.normalize("NFKC"),
  v.trim(),
  v.maxLength(254),
  v.regex(/^[^\s@]+@[^\s@]+\.[^\s@]+$/, "must be an address"),
  v.check((email) => !INVISIBLE.test(email), "must have visible characters only"),
);

/** scrypt takes any length; a bound keeps the work bounded. */
export const PasswordSchema = v.pipe(v.string(), v.maxLength(1024));

export const NewPasswordSchema = v.pipe(
  PasswordSchema,
  v.minLength(8, "must have at least 8 characters"),
);

/** A page of this site, `http(s)`, or the picture itself: nothing that runs when it is opened. */
export const PictureSchema = v.pipe(
  v.string(),
  v.maxLength(500_000),
  v.check(isPicture, "must be http(s), data:image or a path"),
);

const DATA_IMAGE = /^data:image\/(png|jpeg|gif|webp|avif);base64,[A-Za-z0-9+/]*={0,2}$/;

function isPicture(url: string): boolean {
  if (url.startsWith("data:")) return DATA_IMAGE.test(url);
  // Browsers drop control characters and read a backslash as a slash: then a path is another host.
  // deno-lint-ignore no-control-regex
  if (/[\u0000-\u0020\u007f\\]/.test(url)) return false;
  if (url.startsWith("/")) return !url.startsWith("//");
  if (/^https?:\/\//i.test(url)) return URL.canParse(url);
  return !url.includes(":");
}
