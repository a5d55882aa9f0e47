/// <reference lib="dom" />
import assert from "node:assert/strict";
import { findChromium, openBrowser, visit } from "../support/browser.ts";
import { bundled, options } from "./fixture.ts";

type Render = (markdown: string) => Promise<string>;

const PNG = "data:image/png;base64," +
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

Deno.test("answers as they are drawn", options, async (t) => {
  await using browser = await openBrowser(findChromium() ?? "");
  await using visitor = await visit(browser, "about:blank");
  const { page, faults } = visitor;
  await page.evaluate(await bundled("markdown.ts"));
  const html: Render = (markdown) =>
    page.evaluate(
      (text) => (globalThis as unknown as { toHtml: (text: string) => string }).toHtml(text),
      markdown,
    );
  const streamed = (markdown: string, step: number) =>
    page.evaluate(
      ([text, step]) =>
        (globalThis as unknown as { streamed: (text: string, step: number) => string })
          .streamed(text as string, step as number),
      [markdown, step],
    );
  /** What the text shows, by a selector: one line an element, of the attribute or of its text. */
  const found = async (markdown: string, selector: string, attribute?: string) => {
    const text = await html(markdown);
    return await page.evaluate(([text, selector, attribute]) => {
      const part = new DOMParser().parseFromString(text as string, "text/html");
      return [...part.querySelectorAll(selector as string)].map((element) =>
        attribute === undefined ? element.textContent : element.getAttribute(attribute)
      );
    }, [text, selector, attribute]);
  };
  const textOf = async (markdown: string) => (await found(markdown, "body")).join("").trim();

  await t.step("W5: a list begins with its number, and goes on after code", async () => {
    assert.deepEqual(await found("5. five\n6. six", "ol", "start"), ["5"]);
    assert.deepEqual(await found("0. zero", "ol", "start"), ["0"]);
    assert.deepEqual(
      await found("1. a\n2. b\n\n```js\nc()\n```\n\n3. d\n", "ol", "start"),
      [null, "3"],
    );
    assert.deepEqual(await found("7) seven", "ol", "start"), ["7"]);
  });

  await t.step("W5: task lists have their boxes", async () => {
    const boxes = await found(
      "- [x] done\n- [ ] open\n\n  more\n",
      "li input[type=checkbox]",
      "checked",
    );
    assert.deepEqual(boxes, ["", null]);
    assert.deepEqual(await found("1. [X] done", "ol input[disabled]", "type"), ["checkbox"]);
    assert.deepEqual(await found("<input type=text>", "input"), []);
  });

  await t.step("W5: tables have their alignment, and a frame that scrolls", async () => {
    const table = "| l | m | r |\n|:--|:-:|--:|\n| 1 | 2 | 3 |";
    assert.deepEqual(await found(table, "th", "align"), ["left", "center", "right"]);
    assert.deepEqual(await found(table, "td", "align"), ["left", "center", "right"]);
    assert.equal((await found(table, ".table-frame[tabindex] > table")).length, 1);
  });

  await t.step("reference links have their address, wherever it is told", async () => {
    const text = "See [the guide][1], [docs] and ![p][1].\n\nMore.\n\nStill more.\n\nEnd.\n\n" +
      '[1]: https://guide.example/a "Guide"\n[docs]: <https://docs.example>\n';
    const addresses = [
      "https://guide.example/a",
      "https://docs.example",
      "https://guide.example/a",
    ];
    assert.deepEqual(await found(text, "a", "href"), addresses);
    for (const step of [1, 7, 1_000]) {
      const links = [...(await streamed(text, step)).matchAll(/href="([^"]*)"/g)];
      assert.deepEqual(links.map(([, href]) => href), addresses, `${step} letters at a time`);
    }
    assert.deepEqual(await found("[a][__proto__] [b][constructor]", "a"), []);
  });

  await t.step("W7: one tilde is a tilde, two strike through", async () => {
    for (const text of ["1~2 and 3~4", "~a~", "a ~b c~ d", "x~~~y"]) {
      assert.equal(await textOf(text), text);
      assert.deepEqual(await found(text, "del"), []);
    }
    assert.deepEqual(await found("~~gone~~ 1~2", "del"), ["gone"]);
  });

  await t.step("bold and italic beside CJK signs", async () => {
    for (
      const [text, inner] of [
        ["**「文字」**は", "「文字」"],
        ["これは**「重要」**です", "「重要」"],
        ["**注意：**请看", "注意："],
        ["他说**“你好”**吧", "“你好”"],
        ["これは**重要(じゅうよう)**です", "重要(じゅうよう)"],
        ["한국어 **문장(文章)**은", "문장(文章)"],
        ["**第一，**第二", "第一，"],
        ["a **b** c", "b"],
        ["**CommonMark.**は", "CommonMark."],
      ] as const
    ) {
      assert.deepEqual(await found(text, "strong"), [inner], text);
      assert.equal(await textOf(text), text.replaceAll("**", ""));
    }
    assert.deepEqual(await found("*「斜体」*は", "em"), ["「斜体」"]);
    assert.deepEqual(await found("***「両方」***は", "em strong, strong em"), ["「両方」"]);
    assert.deepEqual(await found("snake_case_name 2*3*4", "em"), ["3"]);
    assert.deepEqual(await found("**「a」** 「_b_」", "em"), ["b"]);
  });

  await t.step("W6: mathematics reaches the page as it was written", async () => {
    const MATH = ".math-inline, .math-display";
    for (
      const [text, ...tex] of [
        ["\\(a^2\\)", "a^2"],
        ["so \\( a_1 * b_2 * c \\) it is", "a_1 * b_2 * c"],
        ["$a*b*c$ and $x_1$ _y_", "a*b*c", "x_1"],
        ["\\[ x = \\frac{1}{2} \\]", "x = \\frac{1}{2}"],
        ["Thus:\n\\[\nx < y & z\n\\]\nand on", "x < y & z"],
        [
          "$$\n\\begin{aligned}\na &= b \\\\\nc &= d\n\\end{aligned}\n$$",
          "\\begin{aligned}\na &= b \\\\\nc &= d\n\\end{aligned}",
        ],
        ["inline $$a \\\\ b$$ display", "a \\\\ b"],
        ["1. Solve\n   \\[ x^2 \\]\n2. Next", "x^2"],
        ["| f |\n|---|\n| $a_1*b*c$ |", "a_1*b*c"],
        ["*before $b*c$ after*", "b*c"],
        ["*before \\(b*c\\) after*", "b*c"],
        ["**$x$**", "x"],
        ["> $$x$$", "x"],
        ["$2x + 3$", "2x + 3"],
        ["$[a](b)$", "[a](b)"],
        ["$<b>$", "<b>"],
      ] as const
    ) {
      assert.deepEqual(await found(text, MATH), tex, text);
      assert.deepEqual(await found(text, `em ${"x"}, br`), [], text);
    }
    assert.deepEqual(await found("*before $b*c$ after*", "em"), ["before b*c after"]);
    assert.deepEqual(await found("$a*b*c$", "em"), []);
  });

  await t.step("W6: prices, variables and code are text", async () => {
    const MATH = ".math-inline, .math-display";
    for (
      const text of [
        "It costs $5 and then $10.",
        "from $5 to 10$ or so",
        "$5, maybe 6$",
        "US$5 or A$6",
        "$1,000/$2,000",
        "$5–$10",
        "$HOME/$USER",
        "$HOME and $PATH",
        "between $100k and $200k",
        "a $ b $ c",
        "$5 a day and 6$",
        "**$5** and **$6**",
      ]
    ) {
      assert.deepEqual(await found(text, MATH), [], text);
      assert.equal(await textOf(text), text.replaceAll("**", ""));
    }
    assert.equal(await textOf("\\$5 and \\$6"), "$5 and $6");
    assert.deepEqual(await found("`$a$` and `\\(b\\)`", MATH), []);
    assert.deepEqual(await found("`$a$` and `\\(b\\)`", "code"), ["$a$", "\\(b\\)"]);
    assert.deepEqual(await found("```tex\n$$\na\n$$\n\\[ b \\]\n```", MATH), []);
    assert.deepEqual(await found("    $a$\n", MATH), []);
    assert.deepEqual(await found("$5 `and` 6$", MATH), []);
  });

  await t.step("W14: pictures by data URI are shown, and never are a wall of letters", async () => {
    for (
      const text of [
        `![a dot](${PNG})`,
        `![](${PNG})`,
        `Here: ![](${PNG}) and on`,
        PNG,
        `<img src="${PNG}">`,
        `![a][p]\n\n[p]: ${PNG}`,
        `![a dot](${PNG}`,
        `| a |\n|---|\n| ![](${PNG}) |`,
      ]
    ) {
      assert.deepEqual(await found(text, "img", "src"), [PNG], text);
      assert.doesNotMatch(await textOf(text), /iVBOR|base64/, text);
    }
    assert.deepEqual(await found(`![a "dot"](${PNG})`, "img", "alt"), ['a "dot"']);
    const large = `data:image/png;base64,${"A+/b".repeat(500_000)}`;
    assert.deepEqual((await found(`x ![](${large}) y`, "img", "src")).map((src) => src?.length), [
      large.length,
    ]);
    for (const type of ["image/svg+xml", "text/html", "application/pdf"]) {
      const uri = `data:${type};base64,${"PHN2Zz4".repeat(100)}`;
      for (const text of [`![](${uri})`, `![n](${uri})`, uri, `[n](${uri})`]) {
        assert.deepEqual(await found(text, "img"), [], text.slice(0, 40));
        assert.doesNotMatch(await textOf(text), /PHN2Zz4/, text.slice(0, 40));
      }
    }
    // In code it is code.
    assert.deepEqual(await found(`\`${PNG}\``, "code"), [PNG]);
    assert.deepEqual(await found(`\`\`\`\n${PNG}\n\`\`\``, "code"), [`${PNG}\n`]);
    assert.match(await streamed(`a\n\n![](${PNG})\n\nb\n\nc\n\nd`, 9), /<p dir="auto">d<\/p>/);
  });

  await t.step("W8: each text has the direction of its script", async () => {
    assert.deepEqual(await found("שלום\n\nHello", "p", "dir"), ["auto", "auto"]);
    assert.deepEqual(await found("- שלום\n- Hello", "ul, li", "dir"), ["rtl", "rtl", "ltr"]);
    assert.deepEqual(await found("1. مرحبا\n\n   ثم\n2. b", "ol, li", "dir"), [
      "rtl",
      "rtl",
      "ltr",
    ]);
    assert.deepEqual(await found("> مرحبا", "blockquote", "dir"), ["rtl"]);
    assert.deepEqual(await found("| א | b |\n|---|---|\n| ג | d |", "table, th", "dir"), [
      "rtl",
      "auto",
      "auto",
    ]);
    assert.deepEqual(await found("# כותרת", "h1", "dir"), ["auto"]);
    assert.deepEqual(await found("`npm` הוא", "code", "dir"), ["ltr"]);
  });

  await t.step("a mention shows as a name", async () => {
    assert.equal(
      await textOf("Ask <@M:gpt-4|GPT 4> and <@U:1|Ada>: <#C:2|general>"),
      "Ask @GPT 4 and @Ada: #general",
    );
    assert.equal(await textOf("<@M:echo> hi"), "@echo hi");
    assert.deepEqual(await found("<@M:x|a&lt;b>", "b"), []);
    assert.equal(await textOf("`<@M:echo>`"), "<@M:echo>");
  });

  await t.step("a text that streams is, at its end, what it is at once", async () => {
    const text =
      "# A\n\n1. x\n2. y\n\n```py\nz\n```\n\n3. $a*b$\n\n$$\nq\n$$\n\n| a |\n|--:|\n| b |\n\n" +
      "- [x] t\n\n\\[ c \\]\n\n**「文」**は [r] \r\n\r\nend\n\n[r]: https://r.example\n";
    const strip = (html: string) => html.replace(/\s+/g, " ").replaceAll("> <", "><").trim();
    for (const step of [1, 5, 64]) {
      assert.equal(strip(await streamed(text, step)), strip(await html(text)));
    }
  });

  await t.step("a text that was written to be slow is drawn at once", async () => {
    for (
      const sign of [
        "$",
        "$a",
        "\\(",
        "\\[\n",
        "$$",
        "**「",
        "」**は",
        "<@M:",
        "[a]",
        "[a]: b\n",
        "![](data:image/png;base64,",
        "- [ ] ",
        "| a ",
        "~~a",
        "*a「",
      ]
    ) {
      const text = sign.repeat(Math.ceil(40_000 / sign.length));
      const began = performance.now();
      await html(text);
      const tookMs = performance.now() - began;
      // What was slow took minutes; a busy machine takes a few seconds.
      assert.ok(tookMs < 20_000, `${JSON.stringify(sign)} took ${tookMs.toFixed()} ms`);
    }
  });

  assert.deepEqual(faults, []);
});
