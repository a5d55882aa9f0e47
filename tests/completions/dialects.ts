/** How model providers really speak: each row of what was reported, and its neighbours. */
import type { ChatMessage } from "../../lib/protocol/chat.ts";
import type { Script } from "../support/model_provider.ts";

/** What a reader must find in the message, and in the last event. */
export type Expected =
  & Partial<
    Pick<ChatMessage, "content" | "reasoning_content" | "refusal" | "finish_reason" | "tool_calls">
  >
  & {
    /** The code of the error; absent: there is none. */
    error?: string;
    words?: RegExp;
    files?: string[];
  };

export interface Dialect {
  name: string;
  script: Script;
  expected: Expected;
  /** Through the pass-through thoughts stay where the provider put them. */
  raw?: Partial<Expected>;
}

export const sse = (data: unknown): string =>
  `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
export const choice = (delta: unknown, finish: string | null = null, more: object = {}) => ({
  id: "c",
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta, finish_reason: finish }],
  ...more,
});
const say = (content: string) => sse(choice({ content }));
export const H = say("Hello ");
export const W = say("world");
export const STOP = sse(choice({}, "stop"));
export const DONE = sse("[DONE]");
const json = { "content-type": "application/json" };
const whole = (message: unknown, finish = "stop") => ({
  id: "c",
  object: "chat.completion",
  choices: [{ index: 0, message, finish_reason: finish }],
});
const HELLO = whole({ role: "assistant", content: "Hello world" });
const bytes = (text: string) => new TextEncoder().encode(text);
const everyByte = (text: string) => [...bytes(text)].map((byte) => Uint8Array.of(byte));

const once: Expected = { content: "Hello world", finish_reason: "stop" };
const arrives = (name: string, wire: Script["wire"], more: Partial<Script> = {}): Dialect => ({
  name,
  script: { ...(wire && { wire }), ...more },
  expected: once,
});

/** The text arrives once and whole. */
export const TEXTS: Dialect[] = [
  arrives("data: with nothing", [H, "data:\n\n", W, STOP, DONE]),
  arrives("data: with a space and nothing", [H, "data: \n\n", W, STOP, DONE]),
  arrives("events parted by one newline", [(H + W + STOP + DONE).replaceAll("\n\n", "\n")]),
  arrives("the last event without its empty line", [
    H + sse(choice({ content: "world" }, "stop")).trimEnd(),
  ]),
  arrives("a stream labelled application/json", [H, W, STOP, DONE], { headers: json }),
  arrives("a stream labelled text/html", [H, W, STOP, DONE], {
    headers: { "content-type": "text/html" },
  }),
  arrives("a stream without a label", [H, W, STOP, DONE], { headers: { "content-type": "" } }),
  arrives("a whole completion labelled text/event-stream", [JSON.stringify(HELLO)]),
  arrives("a whole completion labelled text/plain", [JSON.stringify(HELLO)], {
    headers: { "content-type": "text/plain" },
  }),
  arrives("a whole completion over many lines", [JSON.stringify(HELLO, null, 2)]),
  arrives("a whole completion as an event", [sse(HELLO), DONE]),
  arrives("lines of JSON without framing", [
    [choice({ content: "Hello " }), choice({ content: "world" }), choice({}, "stop")].map((each) =>
      JSON.stringify(each)
    ).join("\n"),
  ]),
  arrives("a list of chunks", [
    JSON.stringify([choice({ content: "Hello " }), choice({ content: "world" }, "stop")]),
  ]),
  arrives("the whole message again at the end", [
    H,
    W,
    sse({
      ...choice({}),
      choices: [{
        index: 0,
        message: { role: "assistant", content: "Hello world" },
        finish_reason: "stop",
      }],
    }),
    DONE,
  ]),
  arrives("the whole message again beside an empty delta", [
    H,
    W,
    sse({
      ...choice({}),
      choices: [{
        index: 0,
        delta: {},
        message: { content: "Hello world" },
        finish_reason: "stop",
      }],
    }),
    DONE,
  ]),
  arrives("the whole completion again, its whitespace another", [
    H,
    W,
    sse(whole({ content: " Hello  world\n" })),
    DONE,
  ]),
  arrives("the whole text again as a last delta", [
    H,
    W,
    sse(choice({ content: "Hello world" }, "stop")),
    DONE,
  ]),
  arrives("a whole message with more than its deltas", [
    H,
    sse(whole({ content: "Hello world" })),
    DONE,
  ]),
  arrives("messages in place of deltas", [
    sse({ choices: [{ message: { content: "Hello " } }] }),
    sse({ choices: [{ message: { content: "world" }, finish_reason: "stop" }] }),
  ]),
  arrives("messages that grow", [
    sse({ choices: [{ message: { content: "Hello " } }] }),
    sse({ choices: [{ message: { content: "Hello world" }, finish_reason: "stop" }] }),
  ]),
  arrives("nulls in between", [
    H,
    sse({ choices: null }),
    sse({ choices: [null] }),
    sse(choice(null)),
    sse(choice({ content: null })),
    W,
    sse({ ...choice({}, "stop"), usage: null }),
    DONE,
  ]),
  arrives("usage alone in the last chunk", [
    H,
    W,
    STOP,
    sse({ choices: [], usage: { total_tokens: 3 } }),
    DONE,
  ]),
  arrives("Azure's first chunk with filter results only", [
    sse({ choices: [], prompt_filter_results: [{ prompt_index: 0 }] }),
    H,
    W,
    sse({
      choices: [{ index: 0, content_filter_results: { hate: {} }, finish_reason: null, delta: {} }],
    }),
    STOP,
    DONE,
  ]),
  arrives("text in place of delta.content", [
    sse({ choices: [{ index: 0, text: "Hello " }] }),
    sse({ choices: [{ index: 0, text: "world", finish_reason: "stop" }] }),
    DONE,
  ]),
  arrives("a choice without delta that ends it", [
    H,
    W,
    sse({ choices: [{ index: 0, finish_reason: "stop" }] }),
    DONE,
  ]),
  arrives("several choices", [
    sse({
      choices: [{ index: 1, delta: { content: "other" } }, {
        index: 0,
        delta: { content: "Hello " },
      }],
    }),
    W,
    STOP,
    DONE,
  ]),
  arrives("content as parts", [
    sse(choice({ content: [{ type: "text", text: "Hello " }] })),
    sse(choice({ content: [{ type: "text", text: "wor" }, { type: "text", text: "ld" }] })),
    STOP,
    DONE,
  ]),
  arrives("a list that is sent as it grows", [
    `[${JSON.stringify(choice({ content: "Hello " }))}\n`,
    `,\r\n${JSON.stringify(choice({ content: "world" }))}`,
    `,\n${JSON.stringify(choice({}, "stop"), null, 2)}\n]\n`,
  ]),
  arrives("a list with a chunk on each line", [
    `[\n${JSON.stringify(choice({ content: "Hello " }))},\n`,
    `${JSON.stringify(choice({ content: "world" }))},\n${JSON.stringify(choice({}, "stop"))}\n]`,
  ]),
  arrives("JSON one behind the other", [
    [choice({ content: "Hello " }), choice({ content: "world" }), choice({}, "stop")].map((each) =>
      JSON.stringify(each)
    ).join(""),
  ]),
  arrives("events one behind the other in a line", [(H + W + STOP).replaceAll("\n", "")]),
  arrives("spaces before data:", [(H + W + STOP + DONE).replaceAll("data:", " \t data:")]),
  arrives("fields in capitals, a space before the colon", [
    (H + W + STOP + DONE).replaceAll("data:", "DATA :"),
  ]),
  arrives("reasons that say none", [
    sse(choice({ content: "Hello " }, "null")) + sse(choice({ content: "world" }, "none")) + STOP,
  ]),
  arrives("[done] in small letters", [H, W, STOP, sse("[done]")]),
  arrives("CRLF", [(H + W + STOP + DONE).replaceAll("\n", "\r\n")]),
  arrives("lone CR", [(H + W + STOP + DONE).replaceAll("\n", "\r")]),
  arrives("comments, ids, names of events, retry", [
    ": hi\n\n",
    "id: 1\nevent: message\nretry: 5\n" + H,
    ":\n",
    W,
    STOP,
    DONE,
  ]),
  arrives("no space after data:", [(H + W + STOP + DONE).replaceAll("data: ", "data:")]),
  arrives("data over several lines", [
    JSON.stringify(choice({ content: "Hello " }), null, 1).split("\n").map((line) =>
      `data: ${line}\n`
    ).join("") + "\n",
    W,
    STOP,
    DONE,
  ]),
  arrives("JSON over several lines behind one data:", [
    `data: ${JSON.stringify(choice({ content: "Hello " }), null, 1)}\n\n`,
    W,
    STOP,
    DONE,
  ]),
  arrives("data: said twice", [(H + W + STOP + DONE).replaceAll("data: ", "data: data: ")]),
  arrives("an error with nothing in it", [
    sse(choice({ content: "Hello " }, null, { error: {} })),
    sse(choice({ content: "world" }, "stop", { error: null })),
  ]),
  arrives("a byte order mark", ["\uFEFF" + H, W, STOP, DONE]),
  arrives("cut at every byte", everyByte(H + W + STOP + DONE)),
  arrives("chatter that is no JSON", [H, "data: ping\n\n", W, STOP, DONE]),
  arrives("the connection breaks after the end", [H, W, STOP], { end: "reset" }),
  {
    name: "[DONE] without a reason",
    script: { wire: [H, W, DONE] },
    expected: { content: "Hello world" },
  },
  {
    ...arrives("reasons in other words", [H, W, sse(choice({}, "STOP"))]),
    raw: { finish_reason: "STOP" },
  },
  {
    name: "UTF-8 and surrogate pairs cut anywhere",
    script: {
      wire: everyByte(say("Grüße 🙂 ") + say("世界") + STOP + DONE),
    },
    expected: { content: "Grüße 🙂 世界", finish_reason: "stop" },
  },
];
const error = (name: string, wire: Script["wire"], words: RegExp, content = "Hello "): Dialect => ({
  name,
  script: { ...(wire && { wire }) },
  expected: { content, error: "provider_error", words },
});
const PIXEL = `data:image/png;base64,${"A".repeat(64)}`;
const BIG = `data:image/png;base64,${"A".repeat(1_200_000)}`;
const call = (index: number, id: string | undefined, name: string | undefined, args: string) =>
  sse(choice({
    tool_calls: [{
      index,
      ...(id && { id, type: "function" }),
      function: { ...(name && { name }), arguments: args },
    }],
  }));

/** The end is told as it was. */
export const ENDS: Dialect[] = [
  {
    name: "text, then the limit",
    script: { wire: [H, sse(choice({}, "length")), DONE] },
    expected: { content: "Hello ", finish_reason: "length" },
  },
  {
    name: "reasoning only, then the limit",
    script: { wire: [sse(choice({ reasoning_content: "hm" })), sse(choice({}, "length")), DONE] },
    expected: { content: "", reasoning_content: "hm", finish_reason: "length" },
  },
  {
    name: "MAX_TOKENS is a limit",
    script: { wire: [H, sse(choice({}, "MAX_TOKENS"))] },
    expected: { content: "Hello ", finish_reason: "length" },
    raw: { finish_reason: "MAX_TOKENS" },
  },
  {
    name: "a filter, with text",
    script: { wire: [H, sse(choice({}, "content_filter")), DONE] },
    expected: { content: "Hello ", finish_reason: "content_filter" },
  },
  {
    name: "a filter, without text",
    script: { wire: [sse(choice({}, "content_filter")), DONE] },
    expected: { content: "", finish_reason: "content_filter" },
  },
  {
    name: "a refusal in pieces",
    script: {
      wire: [sse(choice({ refusal: "I can't " })), sse(choice({ refusal: "help." })), STOP, DONE],
    },
    expected: { content: "", refusal: "I can't help.", finish_reason: "stop" },
  },
  {
    name: "a whole refusal",
    script: { wire: [JSON.stringify(whole({ content: null, refusal: "No." }))] },
    expected: { content: "", refusal: "No.", finish_reason: "stop" },
  },
  {
    name: "an empty text and stop",
    script: { wire: [sse(choice({ role: "assistant", content: "" })), STOP, DONE] },
    expected: { content: "", error: "empty_answer", words: /empty/ },
    raw: { error: undefined, words: undefined, finish_reason: "stop" },
  },
  {
    name: "JSON without choices",
    script: { wire: [JSON.stringify({ ...HELLO, choices: [] })], headers: json },
    expected: { content: "", error: "empty_answer", words: /without an answer/ },
  },
  {
    name: "only [DONE]",
    script: { wire: [DONE] },
    expected: { content: "", error: "empty_answer" },
    raw: { error: undefined },
  },
  error("vLLM's error in the middle", [
    H,
    sse({ object: "error", message: "out of memory", code: 500 }),
    DONE,
  ], /out of memory/),
  error("llama.cpp's line of an error", [
    H,
    `error: ${JSON.stringify({ code: 500, message: "context is full" })}\n\n`,
    DONE,
  ], /context is full/),
  error(
    "an event named error",
    [H, 'event: error\ndata: {"message":"overloaded"}\n\n'],
    /overloaded/,
  ),
  error(
    "an event named error, in plain words",
    [H, "event: error\ndata: all is lost\n\n"],
    /all is lost/,
  ),
  error("an error beside choices", [
    H,
    sse({ ...choice({ content: "" }, "error"), error: { message: "upstream died" } }),
  ], /upstream died/),
  error("an error within a choice", [
    H,
    sse({
      choices: [{ index: 0, delta: {}, error: { message: "quota" }, finish_reason: "error" }],
    }),
  ], /quota/),
  error("a line of plain text at the end", [H, "Internal Server Error"], /Internal Server Error/),
  error(
    "200 with a detail",
    [JSON.stringify({ detail: "model is loading" })],
    /model is loading/,
    "",
  ),
  error(
    "200 with an error that is only true",
    [JSON.stringify({ error: true, message: "boom" })],
    /boom/,
    "",
  ),
  error("200 with a msg", [JSON.stringify({ code: 400, msg: "bad model" })], /bad model/, ""),
  error(
    "200 with vLLM's error",
    [JSON.stringify({ object: "error", message: "no such model" })],
    /no such model/,
    "",
  ),
  error(
    "200 with Gemini's list",
    [JSON.stringify([{ error: { message: "bad request" } }])],
    /bad request/,
    "",
  ),
  error("200 with a page", ["<!doctype html>\n<title>Sign in</title>"], /page.*Sign in/, ""),
  {
    name: "the connection breaks",
    script: { wire: [H], end: "reset" },
    expected: { content: "Hello ", error: "stream_broken", words: /broke/ },
  },
  {
    name: "the body ends in the middle",
    script: { wire: [H] },
    expected: { content: "Hello ", error: "stream_broken", words: /in the middle/ },
  },
  {
    name: "a chunk that is cut",
    script: { wire: [H, 'data: {"choices":[{"del\n\n', W, STOP, DONE] },
    expected: { content: "Hello ", error: "stream_broken", words: /no JSON/ },
  },
  {
    name: "the connection breaks before a word",
    script: { wire: [": hi\n\n"], end: "reset" },
    expected: { content: "", error: "stream_broken" },
  },
  {
    name: "text, then calls of tools in pieces",
    script: {
      wire: [
        H,
        call(0, "c1", "weather", '{"ci'),
        call(0, undefined, undefined, 'ty":"Ulm"}'),
        call(1, "c2", "time", "{}"),
        sse(choice({}, "tool_calls")),
        DONE,
      ],
    },
    expected: {
      content: "Hello ",
      finish_reason: "tool_calls",
      tool_calls: [{
        id: "c1",
        type: "function",
        function: { name: "weather", arguments: '{"city":"Ulm"}' },
      }, { id: "c2", type: "function", function: { name: "time", arguments: "{}" } }],
    },
  },
  {
    name: "a call whose name comes in pieces, and again",
    script: {
      wire: [
        sse(choice({ tool_calls: [{ index: 0, function: { name: "get_", arguments: "" } }] })),
        sse(choice({ tool_calls: [{ index: 0, function: { name: "time", arguments: "{" } }] })),
        sse(choice({ tool_calls: [{ index: 0, function: { name: "time", arguments: "}" } }] })),
        sse(choice({}, "tool_calls")),
      ],
    },
    expected: {
      content: "",
      finish_reason: "tool_calls",
      tool_calls: [{ type: "function", function: { name: "get_time", arguments: "{}" } }],
    },
  },
  error("an answer that its provider gave up", [
    H,
    sse(choice({}, "insufficient_system_resource")),
    DONE,
  ], /insufficient_system_resource/),
  {
    name: "calls of tools all numbered 0, arguments as an object, then the message again",
    script: {
      wire: [
        call(0, "a", "x", "{}"),
        sse(
          choice({
            tool_calls: [{ index: 0, id: "b", function: { name: "y", arguments: { n: 1 } } }],
          }),
        ),
        sse(
          whole({
            content: null,
            tool_calls: [{ id: "a", function: { name: "x", arguments: "{}" } }],
          }, "tool_calls"),
        ),
        DONE,
      ],
    },
    expected: {
      content: "",
      finish_reason: "tool_calls",
      tool_calls: [{ id: "a", type: "function", function: { name: "x", arguments: "{}" } }, {
        id: "b",
        type: "function",
        function: { name: "y", arguments: '{"n":1}' },
      }],
    },
  },
  {
    name: "a picture in delta.images",
    script: {
      wire: [
        H,
        sse(choice({ images: [{ type: "image_url", image_url: { url: PIXEL } }] })),
        STOP,
        DONE,
      ],
    },
    expected: { content: "Hello ", files: [PIXEL], finish_reason: "stop" },
  },
  {
    name: "a picture in message.images, once",
    script: {
      wire: [
        sse(choice({ images: [{ image_url: { url: PIXEL } }] })),
        sse(whole({ content: "", images: [{ image_url: { url: PIXEL } }] })),
        DONE,
      ],
    },
    expected: { content: "", files: [PIXEL], finish_reason: "stop" },
  },
  {
    name: "a picture of more than 1 Mi characters in one delta",
    script: { wire: [sse(choice({ images: [{ image_url: { url: BIG } }] })), STOP, DONE] },
    expected: { content: "", files: [BIG], finish_reason: "stop" },
  },
  {
    name: "a picture as text of more than 1 Mi characters",
    script: { wire: [say(`![a](${BIG})`), STOP, DONE] },
    expected: { content: `![a](${BIG})`, finish_reason: "stop" },
  },
  {
    name: "a data URI and nothing else",
    script: { wire: [say(BIG), STOP, DONE] },
    expected: { content: "", files: [BIG], finish_reason: "stop" },
  },
];

const thinks = (name: string, parts: string[], reasoning: string, content: string): Dialect => ({
  name,
  script: { wire: [...parts.map(say), STOP, DONE] },
  expected: { content, finish_reason: "stop", ...(reasoning && { reasoning_content: reasoning }) },
  raw: { content: parts.join(""), reasoning_content: undefined },
});
const apart = (
  name: string,
  deltas: object[],
  reasoning = "hm",
  content = "Hello world",
): Dialect => ({
  name,
  script: { wire: [...deltas.map((delta) => sse(choice(delta))), STOP, DONE] },
  expected: { content, finish_reason: "stop", reasoning_content: reasoning },
});

/** Thoughts apart from words. */
export const THOUGHTS: Dialect[] = [
  thinks("<think>", ["<think>hm</think>Hello ", "world"], "hm", "Hello world"),
  thinks(
    "<think> cut anywhere",
    [..."<think>\nh m\n</think>\n\nHello world"],
    "h m",
    "Hello world",
  ),
  ...["thinking", "reason", "reasoning", "thought", "Think"].map((tag) =>
    thinks(`<${tag}>`, [`<${tag}>h`, `m</${tag}`, ">Hello world"], "hm", "Hello world")
  ),
  thinks("only the closing tag", ["h", "m</th", "ink>Hello ", "world"], "hm", "Hello world"),
  thinks(
    "only the closing tag, on a line",
    ["hm", "</think>", "\n\nHello ", "world"],
    "hm",
    "Hello world",
  ),
  thinks("a tag with attributes", ['<think type="deep">hm</think >Hello'], "hm", "Hello"),
  thinks(
    "a thought within a thought",
    [
      ..."<think>a <think>b</think> c</think>Hello",
    ],
    "a <think>b</think> c",
    "Hello",
  ),
  thinks(
    "a thought that speaks of its tag",
    ["<think>which <think> tag?</think>Hello"],
    "which <think> tag?",
    "Hello",
  ),
  thinks("a thought behind words", [..."Hello\n<think>hm</think>\nworld"], "hm", "Hello\n\nworld"),
  thinks("[THINK]", ["[THINK]hm[/THINK]Hello [a](b)"], "hm", "Hello [a](b)"),
  thinks("letters whose small form is longer", ["<think>İİİİİİ</think>Hello"], "İİİİİİ", "Hello"),
  thinks("a tag in code", ["Use `<think>` and `</think>`."], "", "Use `<think>` and `</think>`."),
  thinks(
    "a tag in a block of code",
    ["```\n<think>\n</think>\n```\nso"],
    "",
    "```\n<think>\n</think>\n```\nso",
  ),
  thinks(
    "a tag in a sentence",
    ["The <think> tag and the </think> tag"],
    "",
    "The <think> tag and the </think> tag",
  ),
  thinks("what is no tag", ["1 < 2 <b>x</b> <thi"], "", "1 < 2 <b>x</b> <thi"),
  apart("reasoning_content", [{ reasoning_content: "hm" }, { content: "Hello world" }]),
  apart("reasoning", [{ reasoning: "hm", content: "" }, {
    content: "Hello world",
    reasoning: null,
  }]),
  apart("reasoning_details", [{ reasoning_details: [{ type: "reasoning.text", text: "hm" }] }, {
    content: "Hello world",
  }]),
  apart("an empty one beside one with words", [{ reasoning_content: "", reasoning: "hm" }, {
    content: "Hello world",
  }]),
  apart("the same in two fields", [{
    reasoning: "hm",
    reasoning_details: [{ type: "reasoning.text", text: "hm" }],
  }, { content: "Hello world" }]),
  apart("Mistral's parts", [{
    content: [{ type: "thinking", thinking: [{ type: "text", text: "hm" }] }],
  }, { content: [{ type: "text", text: "Hello world" }] }]),
];
