const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const thisYear = new Intl.DateTimeFormat(undefined, {
  weekday: "long",
  day: "numeric",
  month: "long",
});
const anyYear = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });
const DAY_MS = 86_400_000;

const dateOf = (seconds: number) => new Date(seconds * 1000);

/** The time of day; the day stands above. */
export const timeOf = (seconds: number): string => clock.format(dateOf(seconds));

export const isSameDay = (a: number, b: number): boolean =>
  dateOf(a).toDateString() === dateOf(b).toDateString();

/** A day as one speaks of it. */
export function dayOf(seconds: number, nowMs = Date.now()): string {
  const date = dateOf(seconds);
  const daysAgo = (days: number) => new Date(nowMs - days * DAY_MS).toDateString();
  if (date.toDateString() === daysAgo(0)) return "Today";
  if (date.toDateString() === daysAgo(1)) return "Yesterday";
  return (date.getFullYear() === new Date(nowMs).getFullYear() ? thisYear : anyYear).format(date);
}
