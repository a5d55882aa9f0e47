/** What is loaded when one of a note's dialogs is first opened. */
export { ShareDialog } from "./share_dialog.tsx";
export { VersionsDialog } from "./versions_dialog.tsx";
