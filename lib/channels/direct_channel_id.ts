/**
 * The id of the direct channel of these people: the same for the same set, so that there is one,
 * whoever makes it and however many do at once.
 */
export async function directChannelId(userIds: readonly string[]): Promise<string> {
  const people = JSON.stringify([...new Set(userIds)].sort());
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(people));
  const bytes = new Uint8Array(digest).slice(0, 16);
  // Version 8 of RFC 9562: a UUID whose bits are the application's own.
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
