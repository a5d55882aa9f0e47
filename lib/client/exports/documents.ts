/**
 * Documents that several people edit at once, for any editor that knows Yjs.
 *
 * @module
 */
export { DocumentProvider, type DocumentProviderOptions } from "../document_provider.ts";
export type { Awareness, Doc } from "../yjs_types.ts";
export type { DocumentState, DocumentStatus, KeptEdits } from "../document_status.ts";
