/** A UUID. A browser's own are for pages with TLS only, and a private network often has none. */
export function newId(): string {
  const digits = crypto.getRandomValues(new Uint8Array(36));
  return "xxxxxxxx-xxxx-4xxx-axxx-xxxxxxxxxxxx".replace(
    /x/g,
    (_, at: number) => ((digits[at] ?? 0) & 15).toString(16),
  );
}
