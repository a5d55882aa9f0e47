import type { HLJSApi, LanguageFn } from "highlight.js";

interface Language {
  name: string;
  aliases: string;
  load(): Promise<{ default: LanguageFn }>;
}

/** What is coloured. Each is loaded when a text first has some of it. */
const LANGUAGES: Record<string, Language> = {
  bash: {
    name: "Shell",
    aliases: "sh shell zsh console shellsession terminal",
    load: () => import("highlight.js/lib/languages/bash"),
  },
  c: { name: "C", aliases: "h", load: () => import("highlight.js/lib/languages/c") },
  cpp: {
    name: "C++",
    aliases: "c++ cc cxx hpp h++",
    load: () => import("highlight.js/lib/languages/cpp"),
  },
  csharp: {
    name: "C#",
    aliases: "c# cs",
    load: () => import("highlight.js/lib/languages/csharp"),
  },
  css: { name: "CSS", aliases: "", load: () => import("highlight.js/lib/languages/css") },
  diff: { name: "Diff", aliases: "patch", load: () => import("highlight.js/lib/languages/diff") },
  dockerfile: {
    name: "Dockerfile",
    aliases: "docker containerfile",
    load: () => import("highlight.js/lib/languages/dockerfile"),
  },
  elixir: {
    name: "Elixir",
    aliases: "ex exs",
    load: () => import("highlight.js/lib/languages/elixir"),
  },
  go: { name: "Go", aliases: "golang", load: () => import("highlight.js/lib/languages/go") },
  graphql: {
    name: "GraphQL",
    aliases: "gql",
    load: () => import("highlight.js/lib/languages/graphql"),
  },
  haskell: {
    name: "Haskell",
    aliases: "hs",
    load: () => import("highlight.js/lib/languages/haskell"),
  },
  ini: {
    name: "INI",
    aliases: "toml cfg conf properties env",
    load: () => import("highlight.js/lib/languages/ini"),
  },
  java: { name: "Java", aliases: "", load: () => import("highlight.js/lib/languages/java") },
  javascript: {
    name: "JavaScript",
    aliases: "js jsx mjs cjs",
    load: () => import("highlight.js/lib/languages/javascript"),
  },
  json: {
    name: "JSON",
    aliases: "jsonc json5 jsonl",
    load: () => import("highlight.js/lib/languages/json"),
  },
  julia: { name: "Julia", aliases: "jl", load: () => import("highlight.js/lib/languages/julia") },
  kotlin: {
    name: "Kotlin",
    aliases: "kt kts",
    load: () => import("highlight.js/lib/languages/kotlin"),
  },
  latex: { name: "LaTeX", aliases: "tex", load: () => import("highlight.js/lib/languages/latex") },
  lua: { name: "Lua", aliases: "", load: () => import("highlight.js/lib/languages/lua") },
  makefile: {
    name: "Makefile",
    aliases: "make mk",
    load: () => import("highlight.js/lib/languages/makefile"),
  },
  markdown: {
    name: "Markdown",
    aliases: "md mdx",
    load: () => import("highlight.js/lib/languages/markdown"),
  },
  nginx: { name: "nginx", aliases: "", load: () => import("highlight.js/lib/languages/nginx") },
  objectivec: {
    name: "Objective-C",
    aliases: "objc obj-c objective-c",
    load: () => import("highlight.js/lib/languages/objectivec"),
  },
  perl: { name: "Perl", aliases: "pl", load: () => import("highlight.js/lib/languages/perl") },
  php: { name: "PHP", aliases: "", load: () => import("highlight.js/lib/languages/php") },
  powershell: {
    name: "PowerShell",
    aliases: "ps1 pwsh ps",
    load: () => import("highlight.js/lib/languages/powershell"),
  },
  python: {
    name: "Python",
    aliases: "py python3 gyp ipython",
    load: () => import("highlight.js/lib/languages/python"),
  },
  r: { name: "R", aliases: "", load: () => import("highlight.js/lib/languages/r") },
  ruby: { name: "Ruby", aliases: "rb", load: () => import("highlight.js/lib/languages/ruby") },
  rust: { name: "Rust", aliases: "rs", load: () => import("highlight.js/lib/languages/rust") },
  scala: { name: "Scala", aliases: "", load: () => import("highlight.js/lib/languages/scala") },
  sql: {
    name: "SQL",
    aliases: "mysql postgres postgresql sqlite plsql",
    load: () => import("highlight.js/lib/languages/sql"),
  },
  swift: { name: "Swift", aliases: "", load: () => import("highlight.js/lib/languages/swift") },
  typescript: {
    name: "TypeScript",
    aliases: "ts tsx mts cts",
    load: () => import("highlight.js/lib/languages/typescript"),
  },
  xml: {
    name: "HTML, XML",
    aliases: "html xhtml svg vue svelte rss plist",
    load: () => import("highlight.js/lib/languages/xml"),
  },
  yaml: { name: "YAML", aliases: "yml", load: () => import("highlight.js/lib/languages/yaml") },
};

const IDS = new Map(
  Object.entries(LANGUAGES).flatMap(([id, { aliases }]) =>
    [id, ...aliases.split(" ").filter((alias) => alias !== "")].map((alias) => [alias, id] as const)
  ),
);
/** HTML has a name of its own. */
const NAMES: Record<string, string> = {
  html: "HTML",
  jsx: "JSX",
  svg: "SVG",
  toml: "TOML",
  tsx: "TSX",
  xml: "XML",
};

/** The id of the language that a fence names; `undefined`: none that is coloured. */
export const languageId = (fence: string) => IDS.get(fence.toLowerCase());

/** What a person calls the language that a fence names. */
export function languageName(fence: string): string {
  const id = languageId(fence);
  return NAMES[fence.toLowerCase()] ?? (id && LANGUAGES[id]?.name) ?? fence;
}

let core: Promise<HLJSApi> | undefined;
const loaded = new Map<string, HLJSApi>();

/** The highlighter once it knows the language, if it knows it now. */
export const highlighterNow = (id: string) => loaded.get(id);

/** The highlighter that knows the language. Rejects when a file of it can't be loaded. */
export async function highlighter(id: string): Promise<HLJSApi> {
  core ??= import("highlight.js/lib/core").then((module) => module.default);
  const language = LANGUAGES[id];
  try {
    const [api, definition] = await Promise.all([core, language?.load()]);
    if (definition) api.registerLanguage(id, definition.default);
    loaded.set(id, api);
    return api;
  } catch (thrown) {
    core = undefined;
    throw thrown;
  }
}
