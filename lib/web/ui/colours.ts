/** Dark enough for white letters on them. */
const COLOURS = [
  "#1f6f5c",
  "#8a4b2a",
  "#5b4b9a",
  "#9a3b5c",
  "#2f6187",
  "#6a6a1f",
  "#7a3f83",
  "#a14a1a",
];

/** The same person has the same colour everywhere. */
export function colourOf(id: string): string {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + letter.charCodeAt(0)) >>> 0;
  return COLOURS[sum % COLOURS.length] ?? "#1f6f5c";
}

export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/);
  return words.slice(0, 2).map((word) => word.charAt(0).toUpperCase()).join("");
}
