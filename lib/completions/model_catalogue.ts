import { AppError, errorText } from "../common/errors.ts";
import { type Clock, systemClock } from "../common/clock.ts";
import { timeoutSignal } from "../common/deadline.ts";
import type { Logger } from "../common/logger.ts";
import type { Model, ModelProvider } from "./model_provider.ts";

/** How long the list of models is good. */
const LIST_LIFE_MS = 10_000;

export interface ModelCatalogueOptions {
  logger: Logger;
  clock?: Clock;
  /** How long a provider may take to list its models, in milliseconds. Default: 5,000. */
  timeoutMs?: number;
}

interface Listing {
  models: Model[];
  providers: Map<string, ModelProvider>;
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

  async models(): Promise<Model[]> {
    return (await this.#current()).models;
  }

  /** Who runs the model. Throws `not_found` when nobody does. */
  async providerOf(modelId: string): Promise<ModelProvider> {
    const provider = (await this.#current()).providers.get(modelId);
    if (!provider) throw new AppError("not_found", `There is no model ${modelId.slice(0, 200)}.`);
    return provider;
  }

  #current(): Promise<Listing> {
    const { clock } = this.#options;
    const listing = this.#listing;
    if (listing && clock.nowMs() - listing.readAtMs < LIST_LIFE_MS) return Promise.resolve(listing);
    this.#reading ??= this.#read().finally(() => this.#reading = undefined);
    return this.#reading;
  }

  async #read(): Promise<Listing> {
    const lists = await Promise.all(this.#providers.map((provider) => this.#modelsOf(provider)));
    const models: Model[] = [];
    const providers = new Map<string, ModelProvider>();
    for (const [provider, list] of lists) {
      for (const model of list) {
        if (providers.has(model.id)) continue;
        providers.set(model.id, provider);
        models.push(model);
      }
    }
    this.#listing = { models, providers, readAtMs: this.#options.clock.nowMs() };
    return this.#listing;
  }

  async #modelsOf(provider: ModelProvider): Promise<[ModelProvider, Model[]]> {
    using timeout = timeoutSignal(
      this.#options.timeoutMs,
      () => new AppError("timeout", "The list of models takes too long."),
    );
    try {
      const models = await provider.models(timeout.signal);
      this.#lastKnown.set(provider, models);
      return [provider, models];
    } catch (error) {
      this.#options.logger.warn("models of a provider can't be listed", {
        provider: provider.name,
        error: errorText(error),
      });
      return [provider, this.#lastKnown.get(provider) ?? []];
    }
  }
}
