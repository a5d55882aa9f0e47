import type { TokenizerAndRendererExtension } from "marked";

/** Mentions in Open WebUI's syntax: `<@M:model-id|label>`, `<@U:user-id|label>`, `<#C:…|…>`. */
export const MENTION = /<([@#])([A-Z]):([^|<>\s]{1,256})(?:\|([^<>]{0,256}))?>/g;
const AT_START = new RegExp(`^${MENTION.source}`);

const escaped = (text: string) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");

/** A mention shows as a name. */
export const mentions: TokenizerAndRendererExtension[] = [{
  name: "mention",
  level: "inline",
  start: (src) => /<[@#]/.exec(src)?.index,
  tokenizer(src) {
    const [raw, sign = "", , id = "", label] = AT_START.exec(src) ?? [];
    return raw === undefined ? undefined : { type: "mention", raw, text: sign + (label || id) };
  },
  renderer: ({ text }) => `<span class="mention">${escaped(text)}</span>`,
}];
