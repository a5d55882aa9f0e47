/** The users of the bench: the same on every server. */
export const USER_COUNT = 1000;

/** Numbers beyond the last user start over. */
export function userId(index: number): string {
  return `bench-user-${index % USER_COUNT}`;
}
