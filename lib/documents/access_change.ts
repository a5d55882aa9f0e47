import * as v from "valibot";

const AccessChangeSchema = v.object({
  from: v.string(),
  noteIds: v.array(v.string()),
  userId: v.optional(v.string()),
});

/** Whose access to which notes may have changed; without a user, everybody's. */
export type AccessChange = v.InferOutput<typeof AccessChangeSchema>;

export function readAccessChange(text: string): AccessChange | undefined {
  try {
    const result = v.safeParse(AccessChangeSchema, JSON.parse(text));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}
