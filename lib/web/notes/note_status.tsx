import type { DocumentStatus } from "../../client/document_status.ts";

interface NoteStatusProps {
  status: DocumentStatus;
  /** Whether the text has been read from anywhere. */
  isLoaded: boolean;
  /** Whether what the server does not have is kept in this browser. */
  isKept: boolean;
  mayWrite: boolean;
}

export const editsInWords = (count: number): string => count === 1 ? "1 edit" : `${count} edits`;

/** What has become of what one writes. How much it is changes with each letter, and is not read aloud. */
export function NoteStatus(props: NoteStatusProps) {
  const { unsent = 0, state } = props.status;
  const isCounted = unsent > 0 && (state === "offline" || state === "refused");
  return (
    <span class="hint note-status">
      <span role="status">{inWords(props)}</span>
      {isCounted && <span aria-live="off">· {editsInWords(unsent)}</span>}
    </span>
  );
}

function inWords({ status, isLoaded, isKept, mayWrite }: NoteStatusProps): string {
  const { state, unsent = 0, reason = "the server does not take it." } = status;
  switch (state) {
    case "refused":
      return unsent > 0 ? `Not saved: ${reason}` : reason;
    case "connecting":
      return "Opening…";
    case "offline":
      if (!isLoaded) return "No connection: the note can't be opened yet";
      if (!mayWrite) return "No connection";
      if (unsent === 0) return "No connection: what you write is kept";
      return isKept ? "No connection: kept in this browser" : "No connection: only in this page";
    case "syncing":
      return "Saving…";
    case "synced":
      return mayWrite ? "Saved" : "You can read this note";
  }
}
