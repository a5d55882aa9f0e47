import { AppError, errorText, toAppError } from "../common/errors.ts";
import { type Clock, systemClock } from "../common/clock.ts";
import { timeoutSignal } from "../common/deadline.ts";
import type { Logger } from "../common/logger.ts";
import type { AnswerError } from "../protocol/answer_outcome.ts";
import type { ModelList } from "../protocol/model_list.ts";
import type { Model, ModelProvider } from "./model_provider.ts";

/** How long the list of models is good. */
const LIST_LIFE_MS = 10_000;

/** A provider that could not be asked is asked again sooner: it may be there any moment. */
const FAILED_LIST_LIFE_MS = 1_000;

export interface ModelCatalogueOptions {
  logger: Logger;
  clock?: Clock;
  /** How long a provider may take to list its models, in milliseconds. Default: 5,000. */
  timeoutMs?: number;
}

/** What a provider says of its models: the list, or why there is none. */
interface Asked {
  provider: ModelProvider;
  list: Model[];
  failure?: AnswerError;
}

interface Listing {
  models: Model[];
  providers: Map<string, ModelProvider>;
  error: AnswerError | undefined;
  readAtMs: number;
}

/**
 * All models of all providers. Of two models with one id, the earlier provider's counts. A provider
 * that fails hides nobody else's models, and keeps its own from the last time it answered.
 */
export class ModelCatalogue {
  readonly #providers: readonly ModelProvider[];
  readonly #options: Required<ModelCatalogueOptions>;
  readonly #lastKnown = new Map<ModelProvider, Model[]>();
  #listing: Listing | undefined;
  #reading: Promise<Listing> | undefined;

  constructor(providers: readonly ModelProvider[], options: ModelCatalogueOptions) {
    this.#providers = providers;
    this.#options = { clock: systemClock, timeoutMs: 5_000, ...options };
  }

  /** The models, and why those of a provider are missing. */
  async list(): Promise<ModelList> {
    const { models, error } = await this.#current();
    return { data: models, ...(error && { error }) };
  }

  async models(): Promise<Model[]> {
    return (await this.#current()).models;
  }

  /**
   * Who runs the model. Throws `not_found` when nobody does, and why that can't be told where a
   * provider could not be asked.
   */
  async providerOf(modelId: string): Promise<ModelProvider> {
    const { providers, error } = await this.#current();
    const provider = providers.get(modelId);
    if (provider) return provider;
    if (error) throw new AppError("unavailable", error.content);
    throw new AppError("not_found", `There is no model ${modelId.slice(0, 200)}.`);
  }

  #current(): Promise<Listing> {
    const { clock } = this.#options;
    const listing = this.#listing;
    const lifeMs = listing?.error ? FAILED_LIST_LIFE_MS : LIST_LIFE_MS;
    if (listing && clock.nowMs() - listing.readAtMs < lifeMs) return Promise.resolve(listing);
    this.#reading ??= this.#read().finally(() => this.#reading = undefined);
    return this.#reading;
  }

  async #read(): Promise<Listing> {
    const lists = await Promise.all(this.#providers.map((provider) => this.#modelsOf(provider)));
    const models: Model[] = [];
    const providers = new Map<string, ModelProvider>();
    let error: AnswerError | undefined;
    for (const { provider, list, failure } of lists) {
      // What was known before is there still: nothing is missing.
      if (list.length === 0) error ??= failure;
      for (const model of list) {
        if (providers.has(model.id)) continue;
        providers.set(model.id, provider);
        models.push(model);
      }
    }
    this.#listing = { models, providers, error, readAtMs: this.#options.clock.nowMs() };
    return this.#listing;
  }

  async #modelsOf(provider: ModelProvider): Promise<Asked> {
    using timeout = timeoutSignal(
      this.#options.timeoutMs,
      () => new AppError("timeout", "The list of models takes too long."),
    );
    try {
      const list = await provider.models(timeout.signal);
      this.#lastKnown.set(provider, list);
      return { provider, list };
    } catch (error) {
      this.#options.logger.warn("models of a provider can't be listed", {
        provider: provider.name,
        error: errorText(error),
      });
      const { code, message } = toAppError(error);
      const list = this.#lastKnown.get(provider) ?? [];
      return { provider, list, failure: { code, content: message } };
    }
  }
}
