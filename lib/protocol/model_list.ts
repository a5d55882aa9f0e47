import type { AnswerError } from "./answer_outcome.ts";

/** What `GET /api/models` answers. */
export interface ModelList {
  /** The models: the id asks, the name is shown. `owned_by: "built-in"` is `echo`, which repeats. */
  data: { id: string; name: string; owned_by?: string }[];
  /** Why models of a provider are missing, in words for the reader; absent when none are. */
  error?: AnswerError;
}
