import { choiceOf, type Model } from "../app_session.ts";

/**
 * The model of this id. Of two with one id, the one that was chosen last, or one's own: its words
 * are not the server's to hear.
 */
export function modelOfId(
  models: readonly Model[],
  id: string | undefined,
  chosen: string | undefined,
): Model | undefined {
  const same = models.filter((each) => each.id === id);
  return same.find((each) => choiceOf(each) === chosen) ??
    same.find(({ isDirect }) => isDirect) ?? same[0];
}

/** Whom the next question goes to: the chat's own model, or what was chosen last. */
export function modelOfChat(
  models: readonly Model[],
  [id]: readonly string[],
  chosen: string | undefined,
): Model | undefined {
  return modelOfId(models, id, chosen) ??
    models.find((each) => choiceOf(each) === chosen) ?? models[0];
}
