/** Line icons of 24 units, drawn in the colour of the text. */
const PATHS = {
  admin: "M4 19V9m5 10V5m5 14v-7m5 7V8",
  back: "M15 5l-7 7 7 7",
  bold: "M7 5h6a3.5 3.5 0 010 7H7zm0 7h7a3.5 3.5 0 010 7H7z",
  bullets: "M9 6h11M9 12h11M9 18h11M4.5 6h.01M4.5 12h.01M4.5 18h.01",
  channel: "M5 9h15M4 15h15M10 4L8 20M16 4l-2 16",
  chat: "M5 5h14a1 1 0 011 1v9a1 1 0 01-1 1h-7l-5 4v-4H5a1 1 0 01-1-1V6a1 1 0 011-1z",
  check: "M5 12.5l4.5 4.5L19 7",
  close: "M6 6l12 12M18 6L6 18",
  code: "M8.5 7L4 12l4.5 5m7-10l4.5 5-4.5 5",
  copy: "M9 9h10v11H9zM5 15V4h10",
  down: "M12 5v14m-6-6l6 6 6-6",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  heading: "M6 5v14M18 5v14M6 12h12",
  history: "M4 12a8 8 0 102.5-5.8L4 8.5M4 4v4.5h4.5M12 8v4.5l3 2",
  italic: "M10 5h7M7 19h7M14 5l-4 14",
  menu: "M4 7h16M4 12h16M4 17h16",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  next: "M9 5l7 7-7 7",
  note: "M6 4h9l4 4v12H6zM14 4v5h5M9 13h7M9 16.5h5",
  numbers: "M10 6h10M10 12h10M10 18h10M4 5l1.5-.7V9M4 13.5h2.5L4 17h3",
  people:
    "M9 11a3.5 3.5 0 110-7 3.5 3.5 0 010 7zm-6 9a6 6 0 0112 0M15.5 4.3a3.5 3.5 0 010 6.4M17 14.5a6 6 0 014 5.5",
  pin: "M12 15v6M8 4h8l-1 6 3 5H6l3-5z",
  plus: "M12 5v14M5 12h14",
  quote: "M5 7h5v6H6c0 2 1 3 3 4M14 7h5v6h-4c0 2 1 3 3 4",
  rename: "M5 19l1-4L16 5l3 3L9 18zM14 7l3 3",
  retry: "M19 12a7 7 0 11-2.1-5M19 4v4h-4",
  search: "M11 18a7 7 0 110-14 7 7 0 010 14zm5-2l4.5 4.5",
  send: "M12 19V5m-6 6l6-6 6 6",
  settings: "M4 8h9m5 0h2M4 16h2m5 0h9M15.5 5.5v5M8.5 13.5v5",
  share:
    "M8.5 12a3 3 0 11-3.5-3m4 1.6l6-3.2m-6 5.2l6 3.2M18 9a3 3 0 110-6 3 3 0 010 6zm0 12a3 3 0 110-6 3 3 0 010 6z",
  smile: "M12 20a8 8 0 110-16 8 8 0 010 16zm-3.5-6.5c1.8 2.6 5.2 2.6 7 0M9.2 9.8h.01M14.8 9.8h.01",
  stop: "M7 7h10v10H7z",
  swap: "M4 8h13m-3-4l4 4-4 4M20 16H7m3-4l-4 4 4 4",
  temporary: "M12 20a8 8 0 100-16 8 8 0 000 16zM12 8v4.5l3 2M3 3l3 2m15-2l-3 2",
  thread: "M9 6L4 11l5 5M4 11h10a6 6 0 016 6v1",
  tool: "M14.5 6.5a4 4 0 00-5.2 5.2L4 17l3 3 5.3-5.3a4 4 0 005.2-5.2L15 12l-3-3z",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5.5M13.5 11v5.5",
} as const;

export type IconName = keyof typeof PATHS;

export const Icon = ({ name }: { name: IconName }) => <Drawn path={PATHS[name]} />;

/** An icon of a part of the page that is loaded later. */
export function Drawn({ path }: { path: string }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
