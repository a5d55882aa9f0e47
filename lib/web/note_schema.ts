/** The nodes and marks of Open WebUI's editor, so that one note serves both. */
import { type NodeSpec, Schema } from "prosemirror-model";

const block = (tag: string, more: Partial<NodeSpec>): NodeSpec => ({
  content: "inline*",
  group: "block",
  parseDOM: [{ tag }],
  toDOM: () => [tag, 0],
  ...more,
});

export const schema = new Schema({
  nodes: {
    doc: { content: "block+" },
    paragraph: block("p", {}),
    heading: block("h1", {
      attrs: { level: { default: 1 } },
      defining: true,
      parseDOM: [1, 2, 3, 4, 5, 6].map((level) => ({ tag: `h${level}`, attrs: { level } })),
      toDOM: ({ attrs }) => [`h${attrs.level}`, 0],
    }),
    blockquote: block("blockquote", { content: "block+", defining: true }),
    codeBlock: block("pre", {
      content: "text*",
      marks: "",
      code: true,
      defining: true,
      attrs: { language: { default: null } },
      parseDOM: [{ tag: "pre", preserveWhitespace: "full" }],
      toDOM: () => ["pre", ["code", 0]],
    }),
    bulletList: block("ul", { content: "listItem+" }),
    orderedList: block("ol", {
      content: "listItem+",
      attrs: { start: { default: 1 }, type: { default: null } },
      toDOM: ({ attrs }) => ["ol", { start: attrs.start }, 0],
    }),
    listItem: {
      content: "paragraph block*",
      defining: true,
      parseDOM: [{ tag: "li" }],
      toDOM: () => ["li", 0],
    },
    taskList: block("ul", {
      content: "taskItem+",
      parseDOM: [{ tag: 'ul[data-type="taskList"]', priority: 60 }],
      toDOM: () => ["ul", { "data-type": "taskList" }, 0],
    }),
    taskItem: {
      content: "paragraph block*",
      defining: true,
      attrs: { checked: { default: false } },
      parseDOM: [{
        tag: 'li[data-type="taskItem"]',
        priority: 60,
        getAttrs: (dom) => ({ checked: dom.getAttribute("data-checked") === "true" }),
      }],
      toDOM: ({ attrs }) => [
        "li",
        { "data-type": "taskItem", "data-checked": String(attrs.checked) },
        ["label", { contenteditable: "false" }, [
          "input",
          {
            type: "checkbox",
            "aria-label": "Done",
            ...(attrs.checked === true && { checked: "checked" }),
          },
        ]],
        ["div", 0],
      ],
    },
    table: {
      content: "tableRow+",
      group: "block",
      isolating: true,
      parseDOM: [{ tag: "table" }],
      toDOM: () => ["table", ["tbody", 0]],
    },
    tableRow: {
      content: "(tableCell | tableHeader)*",
      parseDOM: [{ tag: "tr" }],
      toDOM: () => ["tr", 0],
    },
    tableCell: cell("td"),
    tableHeader: cell("th"),
    horizontalRule: { group: "block", parseDOM: [{ tag: "hr" }], toDOM: () => ["hr"] },
    image: {
      inline: false,
      group: "block",
      attrs: { src: { default: null }, alt: { default: null }, title: { default: null } },
      // A picture from elsewhere is not loaded: its server would learn who reads the note.
      toDOM: ({ attrs }) => ["p", ["em", `Picture: ${attrs.alt ?? attrs.src ?? ""}`]],
    },
    hardBreak: {
      inline: true,
      group: "inline",
      selectable: false,
      parseDOM: [{ tag: "br" }],
      toDOM: () => ["br"],
    },
    text: { group: "inline" },
  },
  marks: {
    bold: { parseDOM: [{ tag: "strong" }, { tag: "b" }], toDOM: () => ["strong", 0] },
    italic: { parseDOM: [{ tag: "em" }, { tag: "i" }], toDOM: () => ["em", 0] },
    underline: { parseDOM: [{ tag: "u" }], toDOM: () => ["u", 0] },
    strike: { parseDOM: [{ tag: "s" }, { tag: "del" }], toDOM: () => ["s", 0] },
    highlight: {
      attrs: { color: { default: null } },
      parseDOM: [{ tag: "mark" }],
      toDOM: () => ["mark", 0],
    },
    code: { excludes: "_", parseDOM: [{ tag: "code" }], toDOM: () => ["code", 0] },
    link: {
      inclusive: false,
      attrs: {
        href: { default: null },
        target: { default: null },
        rel: { default: null },
        class: { default: null },
        title: { default: null },
      },
      parseDOM: [{ tag: "a[href]", getAttrs: (dom) => ({ href: dom.getAttribute("href") }) }],
      toDOM: ({ attrs }) => [
        "a",
        { href: safe(attrs.href), rel: "noopener noreferrer nofollow", target: "_blank" },
        0,
      ],
    },
  },
});

function cell(tag: "td" | "th"): NodeSpec {
  return {
    content: "block+",
    attrs: { colspan: { default: 1 }, rowspan: { default: 1 }, colwidth: { default: null } },
    isolating: true,
    parseDOM: [{ tag }],
    toDOM: ({ attrs }) => [tag, { colspan: attrs.colspan, rowspan: attrs.rowspan }, 0],
  };
}

/** Another's link may lead anywhere but into a script. */
const safe = (href: unknown) =>
  typeof href === "string" && /^(https?:|mailto:|tel:|#|\/)/i.test(href) ? href : "#";
