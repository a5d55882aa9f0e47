import { Drawn, Icon, type IconName } from "../ui/icons.tsx";

/** The icons of the editor's tools, beside those that every page has. */
const PATHS = {
  column_add: "M4 5h6v14H4zM17 8v8m-4-4h8",
  column_delete: "M4 5h6v14H4zM14 9l6 6m0-6l-6 6",
  link:
    "M10 14a4 4 0 006 .4l3-3a4 4 0 00-5.7-5.7L12 7m2 3a4 4 0 00-6-.4l-3 3a4 4 0 005.7 5.7L12 17",
  open: "M13 5h6v6M19 5l-8 8M17 14v5H5V7h5",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9h.01",
  row_add: "M5 4h14v6H5zM12 13v8m-4-4h8",
  row_delete: "M5 4h14v6H5zM9 14l6 6m0-6l-6 6",
  rule: "M4 12h16M7 6h10M7 18h10",
  strike:
    "M4 12h16M16 7.5C15.3 6 13.800 5 12 5c-2.200 0-4 1.300-4 3.200 0 1 .5 1.800 1.300 2.300M8 16.500c.7 1.500 2.200 2.500 4 2.500 2.300 0 4-1.300 4-3.300 0-.6-.1-1.100-.4-1.500",
  table: "M4 5h16v14H4zM4 10h16M4 14.5h16M10 5v14",
  tasks: "M4 6.500l1.500 1.500L8 5M4 15.500L5.500 17 8 14M11.500 7H20M11.500 16H20",
} as const;

type ToolIconName = keyof typeof PATHS;
export type NoteIconName = IconName | ToolIconName;

const isTool = (name: NoteIconName): name is ToolIconName => Object.hasOwn(PATHS, name);

export const NoteIcon = ({ name }: { name: NoteIconName }) =>
  isTool(name) ? <Drawn path={PATHS[name]} /> : <Icon name={name} />;
