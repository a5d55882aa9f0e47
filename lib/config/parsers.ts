/** How the text of a variable becomes a value. */
export interface Parser<T> {
  /** What is allowed, in words that end a sentence "allowed: …". */
  readonly allowed: string;
  /** The value, or `undefined` when the text isn't allowed. Never throws. */
  parse(text: string): T | undefined;
}

const UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** One of the words, whatever their case; each word stands for a value. */
export function oneOf<T>(words: Record<string, T>): Parser<T> {
  const values = new Map(Object.entries(words));
  return {
    allowed: [...values.keys()].map((word) => `\`${word}\``).join(", "),
    parse: (text) => values.get(text.toLowerCase()),
  };
}

export const boolean: Parser<boolean> = oneOf({ true: true, false: false });

/** A whole number within the bounds, both included. */
export function integer(min: number, max: number): Parser<number> {
  return {
    allowed: `a whole number from ${min} to ${max}`,
    parse(text) {
      if (!/^\d{1,15}$/.test(text)) return undefined;
      const value = Number(text);
      return value >= min && value <= max ? value : undefined;
    },
  };
}

/** How many of something there may be; `auto`: one for each core. */
export function count(max: number): Parser<number> {
  const number = integer(1, max);
  return {
    allowed: `\`auto\` or ${number.allowed}`,
    parse: (text) =>
      text.toLowerCase() === "auto"
        ? Math.min(max, navigator.hardwareConcurrency)
        : number.parse(text),
  };
}

export const port: Parser<number> = integer(1, 65_535);

/** Seconds in the environment (a fraction is fine), milliseconds in the program. */
export function seconds(max = 86_400): Parser<number> {
  return {
    allowed: `seconds, from 0.001 to ${max}`,
    parse(text) {
      if (!/^\d{1,9}(\.\d{1,3})?$/.test(text)) return undefined;
      const ms = Math.round(Number(text) * 1_000);
      return ms >= 1 && ms <= max * 1_000 ? ms : undefined;
    },
  };
}

/** Open WebUI's life of a token: `4w`, `1h30m`; `-1` or `0` for one that never ends (`null`). */
export const tokenLife: Parser<{ ms: number | null }> = {
  allowed:
    "units of `ms`, `s`, `m`, `h`, `d`, `w` as in `1h30m`, ten years at the most, or `-1`: never",
  parse(text) {
    if (text === "-1" || text === "0") return { ms: null };
    if (!/^(\d{1,9}(\.\d{1,3})?(ms|s|m|h|d|w))+$/.test(text)) return undefined;
    let total = 0;
    for (const [, amount, unit] of text.matchAll(/([\d.]+)(ms|s|m|h|d|w)/g)) {
      total += Number(amount) * (UNIT_MS[unit ?? ""] ?? 0);
    }
    return total >= 1_000 && total <= 3_650 * 86_400_000 ? { ms: Math.round(total) } : undefined;
  },
};

/** Text that fits the pattern. */
export function text(allowed: string, pattern: RegExp): Parser<string> {
  return { allowed, parse: (value) => pattern.test(value) ? value : undefined };
}

/** A path before all others, without its last slash: `/app`; `/` is none. */
export const basePath: Parser<string> = {
  allowed: "a path such as `/app`, of letters, digits, `-`, `_`, `.` and `~`",
  parse(value) {
    const path = value.replace(/\/+$/, "");
    return /^(\/[\w~-][\w.~-]*)*$/.test(path) ? path : undefined;
  },
};

/** An absolute URL of one of the schemes. */
export function url(schemes: readonly string[]): Parser<string> {
  return {
    allowed: `a URL that starts with ${schemes.map((scheme) => `\`${scheme}://\``).join(" or ")}`,
    // python-socketio's list of sentinels is no URL to the standard, so only the scheme and a host are asked for.
    parse: (value) =>
      schemes.some((scheme) => value.startsWith(`${scheme}://`)) &&
        /^[^:]+:\/\/[^\s/]+\S*$/.test(value)
        ? value
        : undefined,
  };
}

/** The database of an Open WebUI, as SQLAlchemy names it; what it leads to is looked at on opening. */
export const databaseUrl: Parser<string> = {
  allowed: "`sqlite:////path/webui.db` or `postgresql://user:password@host/database`",
  parse: (value) =>
    /^(sqlite(\+[a-z0-9_]+)?:\/\/\/[^?#]|postgres(ql)?(\+[a-z0-9_]+)?:\/\/[^\s/])\S*$/i.test(
        value,
      ) &&
      !/^sqlite\+(py)?sqlcipher/i.test(value)
      ? value
      : undefined,
};

/** `host` or `host:port`, separated by commas. */
export const hosts: Parser<readonly string[]> = {
  allowed: "`host` or `host:port`, separated by commas",
  parse(value) {
    const entries = value.split(",").map((entry) => entry.trim()).filter((entry) => entry !== "");
    const isHost = (entry: string) => /^(\[[\da-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i.test(entry);
    return entries.length > 0 && entries.every(isHost) ? Object.freeze(entries) : undefined;
  },
};

/** Ids of models, separated by commas. */
export const modelIds: Parser<readonly string[]> = {
  allowed: "ids of models, separated by commas",
  parse(value) {
    const ids = value.split(",").map((id) => id.trim()).filter((id) => id !== "");
    const isId = (id: string) => /^[^\s\p{Cc}]{1,256}$/u.test(id);
    return ids.length > 0 && ids.every(isId) ? Object.freeze([...new Set(ids)]) : undefined;
  },
};

/** `*`, or origins separated by semicolons, as Open WebUI writes them. */
export const origins: Parser<readonly string[] | "*"> = {
  allowed: "`*`, or origins such as `https://chat.example.com`, separated by `;`",
  parse(value) {
    const entries = value.split(";").map((entry) => entry.trim()).filter((entry) => entry !== "");
    if (entries.includes("*")) return "*";
    const read = entries.map((entry) => URL.canParse(entry) ? new URL(entry) : undefined);
    const isOrigin = (found: URL | undefined) =>
      found !== undefined && found.origin !== "null" && found.pathname === "/" &&
      found.search === "" && found.hash === "" && found.username === "" && found.password === "";
    if (entries.length === 0 || !read.every(isOrigin)) return undefined;
    return Object.freeze(read.flatMap((found) => found === undefined ? [] : [found.origin]));
  },
};
