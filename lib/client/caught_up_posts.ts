import type { Post } from "./pending_post.ts";

interface Reading {
  /** What was shown when the reading began, the oldest first. */
  before: readonly Post[];
  /** What was read, the newest first. */
  found: ReadonlyMap<string, Post>;
  /** Whether the reading reached what was shown first. */
  isComplete: boolean;
  /** What there is when it ends: with what has come meanwhile, or is not said yet. */
  now: readonly Post[];
}

/**
 * What is shown after the messages of a channel were read anew: what was loaded before stays in its
 * place. `hasOlder`: more was read than that.
 */
export function caughtUpPosts(
  { before, found, isComplete, now }: Reading,
  threadId: string | undefined,
): { posts: Post[]; hasOlder: boolean } {
  const oldest = before[0];
  // The server puts the beginning of a thread into it; the page shows it above.
  // The name that this page gave to its own is not read: without it no answer is known as asked here.
  const known = new Map(now.map((post) => [post.id, post]));
  const read = [...found.values()].reverse().filter(({ id }) => id !== threadId)
    .map((post) => ({ ...known.get(post.id), ...post }));
  // What came by the socket meanwhile is newer than the pages.
  const since = now.filter(({ id, isPending }) =>
    !found.has(id) && (isPending || !before.some((post) => post.id === id))
  );
  const missed = isComplete ? [] : before.filter(({ id }) => !found.has(id));
  const at = read.findIndex(({ id }) => id === oldest?.id);
  const from = at >= 0
    ? at
    : read.findIndex(({ created_at }) => created_at >= (oldest?.created_at ?? 0));
  return { posts: [...missed, ...read.slice(Math.max(0, from)), ...since], hasOlder: from > 0 };
}
