import { getSchema } from "@tiptap/core";
import type { Schema } from "prosemirror-model";
import { noteExtensions } from "./extensions.ts";

/** The one schema of notes: of their editor, of what is converted into them and out of them. */
export const noteSchema: Schema = getSchema(noteExtensions);
