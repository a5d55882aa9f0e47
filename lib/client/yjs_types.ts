/** Yjs's document: your own copy of `yjs` and the library's are one. */
export type Doc = InstanceType<typeof import("yjs")["Doc"]>;
/** The cursors and names of those who have a document open, in y-protocols' terms. */
export type Awareness = InstanceType<typeof import("y-protocols/awareness")["Awareness"]>;
