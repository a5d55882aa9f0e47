/** ProseMirror's JSON as Markdown and as HTML, in TipTap's names. What is unknown shows its content. */
import type { JsonMark, JsonNode } from "./prosemirror_json.ts";

const text = (value: unknown) =>
  typeof value === "string" || typeof value === "number" ? String(value) : "";

const escapeHtml = (raw: string) =>
  raw.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");

/** An address that a page may link to: a script is no address. */
function address(value: unknown): string {
  const url = text(value).trim();
  return /^(?:https?:|mailto:|tel:|data:image\/|[^:]*$|[/#?])/i.test(url) ? url : "";
}

const HTML_MARKS: Record<string, string> = {
  bold: "strong",
  italic: "em",
  strike: "s",
  code: "code",
  underline: "u",
};
const HTML_NODES: Record<string, string> = {
  paragraph: "p",
  bulletList: "ul",
  orderedList: "ol",
  listItem: "li",
  taskList: "ul",
  taskItem: "li",
  blockquote: "blockquote",
  table: "table",
  tableRow: "tr",
  tableCell: "td",
  tableHeader: "th",
};

function markedHtml(inner: string, { type, attrs }: JsonMark): string {
  if (type === "link") return `<a href="${escapeHtml(address(attrs?.href))}">${inner}</a>`;
  const tag = HTML_MARKS[type];
  return tag ? `<${tag}>${inner}</${tag}>` : inner;
}

export function toHtml(node: JsonNode): string {
  if (typeof node.text === "string") {
    return (node.marks ?? []).reduce(markedHtml, escapeHtml(node.text));
  }
  const inner = (node.content ?? []).map(toHtml).join("");
  const { type = "", attrs } = node;
  if (type === "heading") {
    const level = Math.min(6, Math.max(1, Number(attrs?.level) || 1));
    return `<h${level}>${inner}</h${level}>`;
  }
  if (type === "codeBlock") return `<pre><code>${inner}</code></pre>`;
  if (type === "hardBreak") return "<br>";
  if (type === "horizontalRule") return "<hr>";
  if (type === "image") {
    const [src, alt] = [escapeHtml(address(attrs?.src)), escapeHtml(text(attrs?.alt))];
    return `<img src="${src}" alt="${alt}">`;
  }
  const tag = HTML_NODES[type];
  return tag ? `<${tag}>${inner}</${tag}>` : inner;
}

const MD_MARKS: Record<string, string> = { bold: "**", italic: "*", strike: "~~" };

function inlineMd(node: JsonNode): string {
  if (node.type === "hardBreak") return "  \n";
  if (node.type === "image") return `![${text(node.attrs?.alt)}](${text(node.attrs?.src)})`;
  if (typeof node.text !== "string") return (node.content ?? []).map(inlineMd).join("");
  const marks = node.marks ?? [];
  if (marks.some(({ type }) => type === "code")) return "`" + node.text + "`";
  const escaped = node.text.replace(/[\\`*_[\]<>~]/g, "\\$&").replace(/^([#+-])(?=\s)/, "\\$1");
  return marks.reduce((inner, { type, attrs }) => {
    if (type === "link") return `[${inner}](${text(attrs?.href)})`;
    const sign = MD_MARKS[type] ?? "";
    return sign + inner + sign;
  }, escaped);
}

const indented = (block: string, first: string, rest: string) =>
  block.split("\n").map((line, at) => (at === 0 ? first : line ? rest : "") + line).join("\n");

function listMd(node: JsonNode): string {
  const start = Number(node.attrs?.start ?? 1) || 1;
  return (node.content ?? []).map((item, at) => {
    const box = item.type === "taskItem" ? (item.attrs?.checked ? "[x] " : "[ ] ") : "";
    const bullet = (node.type === "orderedList" ? `${start + at}. ` : "- ") + box;
    const blocks = (item.content ?? []).map(blockMd).filter((block) => block !== "");
    const body = blocks.reduce(
      (all, block, index) => all + (index === 0 ? "" : "\n") + block,
      "",
    );
    return indented(body, bullet, " ".repeat(node.type === "orderedList" ? 3 : 2));
  }).join("\n");
}

function tableMd(node: JsonNode): string {
  const rows = (node.content ?? []).map((row) =>
    (row.content ?? []).map((cell) => inlineMd(cell).replaceAll("|", "\\|").replaceAll("\n", " "))
  );
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(head.map(() => "---")), ...body.map(line)].join("\n");
}

function blockMd(node: JsonNode): string {
  const inline = () => (node.content ?? []).map(inlineMd).join("");
  switch (node.type) {
    case "heading":
      return "#".repeat(Math.min(6, Math.max(1, Number(node.attrs?.level) || 1))) + " " + inline();
    case "codeBlock": {
      const code = (node.content ?? []).map((inner) => inner.text ?? "").join("");
      return "```" + text(node.attrs?.language) + "\n" + code + "\n```";
    }
    case "horizontalRule":
      return "---";
    case "blockquote":
      return toMd(node).split("\n").map((line) => `> ${line}`.trimEnd()).join("\n");
    case "bulletList":
    case "orderedList":
    case "taskList":
      return listMd(node);
    case "table":
      return tableMd(node);
    default:
      return inline();
  }
}

export function toMd(node: JsonNode): string {
  return (node.content ?? []).map(blockMd).filter((block) => block !== "").join("\n\n");
}
