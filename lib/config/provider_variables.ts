import * as as from "./parsers.ts";
import { optional, preset } from "./variable.ts";

const line = as.text("text without line breaks", /^[^\r\n]+$/);
const proxyUrl = as.url(["http", "https", "socks5"]);

/** Who runs the models, and how it is reached. */
export const PROVIDER_VARIABLES = {
  openaiBaseUrl: optional(
    "OPENAI_API_BASE_URL",
    as.url(["https", "http"]),
    "OpenAI-compatible model provider",
    { defaultNote: "the built-in model `echo`" },
  ),
  openaiModels: optional(
    "OPENAI_MODELS",
    as.modelIds,
    "Models of the provider, where it has no list of them",
    { defaultNote: "the provider's `/models` is asked" },
  ),
  openaiKey: optional("OPENAI_API_KEY", line, "The provider's key", { isSecret: true }),
  providerTimeoutMs: preset(
    "PROVIDER_TIMEOUT",
    "60",
    as.seconds(3_600),
    "How long the provider may be silent within an answer",
  ),
  firstTokenTimeoutMs: preset(
    "PROVIDER_FIRST_TOKEN_TIMEOUT",
    "300",
    as.seconds(3_600),
    "How long the provider may be silent before the first word: a cold model is loaded first",
  ),
  httpsProxy: optional("HTTPS_PROXY", proxyUrl, "Proxy to a provider at `https:`", {
    fallback: "https_proxy",
    isSecret: true,
  }),
  httpProxy: optional("HTTP_PROXY", proxyUrl, "Proxy to a provider at `http:`", {
    fallback: "http_proxy",
    isSecret: true,
  }),
  allProxy: optional("ALL_PROXY", proxyUrl, "Proxy to a provider, where neither of both is set", {
    fallback: "all_proxy",
    isSecret: true,
  }),
  noProxy: optional("NO_PROXY", line, "Hosts that are reached without a proxy, parted by commas", {
    fallback: "no_proxy",
  }),
};
