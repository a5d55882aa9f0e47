/** Headings under which chats stand, by when they last changed. Pure. */

const DAY_MS = 86_400_000;
const month = new Intl.DateTimeFormat("en", { month: "long" });
const monthAndYear = new Intl.DateTimeFormat("en", { month: "long", year: "numeric" });

/** Midnights between the two, in the reader's own time: clocks that are set make days of 23 hours. */
function daysBetween(early: Date, late: Date): number {
  const midnight = (date: Date) => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((midnight(late) - midnight(early)) / DAY_MS);
}

/** The heading of a moment, in unix seconds. */
export function dateGroup(seconds: number, now: Date): string {
  const date = new Date(seconds * 1000);
  const days = daysBetween(date, now);
  if (days <= 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days <= 7) return "Previous 7 days";
  if (days <= 30) return "Previous 30 days";
  return (date.getFullYear() === now.getFullYear() ? month : monthAndYear).format(date);
}

/** The items under their headings, in their order. */
export function grouped<T extends { updated_at: number }>(
  items: readonly T[],
  now: Date,
): [heading: string, items: T[]][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const heading = dateGroup(item.updated_at, now);
    const group = groups.get(heading);
    if (group) group.push(item);
    else groups.set(heading, [item]);
  }
  return [...groups];
}
