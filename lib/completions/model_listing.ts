import type { Model } from "./model_provider.ts";
import { fieldsOf } from "./provider_words.ts";

/** More models than this are left out: a list is for people to choose from. */
const MAX_MODELS = 5_000;

/**
 * A provider's list of models: `{data: […]}` (OpenAI), a bare list (Together), `{models: […]}`
 * (Gemini, Ollama), of objects or of names. `undefined` for what is no list.
 */
export function readModels(body: unknown): Model[] | undefined {
  const list = Array.isArray(body)
    ? body
    : [fieldsOf(body)?.["data"], fieldsOf(body)?.["models"]].find(Array.isArray);
  if (!list) return undefined;
  const models = new Map<string, Model>();
  for (const item of list) {
    const model = typeof item === "string" ? { id: item, name: item } : modelOf(item);
    if (model && models.size < MAX_MODELS && !models.has(model.id)) models.set(model.id, model);
  }
  return [...models.values()];
}

function modelOf(item: unknown): Model | undefined {
  const fields = fieldsOf(item);
  const named = ["id", "name", "model"].map((key) => fields?.[key]);
  const id = named.find((value) => typeof value === "string" && value !== "");
  if (typeof id !== "string") return undefined;
  // Gemini's own list calls them `models/…`, and takes either name.
  const bare = id.replace(/^models\//, "");
  const shown = [fields?.["display_name"], fields?.["displayName"], fields?.["name"]]
    .find((value) => typeof value === "string" && value !== "");
  return { id: bare, name: typeof shown === "string" ? shown.replace(/^models\//, "") : bare };
}
