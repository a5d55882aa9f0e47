/// <reference lib="dom" />
import assert from "node:assert/strict";
import { picture } from "../support/browser.ts";
import { signUp } from "../support/server.ts";
import { ask, fixture, LIMIT_MS, options, visitAs } from "./fixture.ts";

const PNG = "data:image/png;base64," +
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const ANSWER = [
  "Let \\(a^2 + b_1*c_2*d\\) be, and\n\n$$\nx = \\frac{1}{2} \\\\\ny = \\sqrt{2}\n$$\n\nIt costs $5 or $6.\n\n",
  "```py\ndef f(x):\n    return 'text'\n```\n\n1. one\n\n```rust\nfn main() {}\n```\n\n2. two\n\n",
  "| name | amount |\n|:--|--:|\n| averyveryverylongwordthatisonewordonly".repeat(1),
  ` | 1 |\n| ${"wide ".repeat(3)}${
    "Donaudampfschifffahrtsgesellschaftskapitän".repeat(4)
  } | 2 |\n\n`,
  `![](${PNG}) and ![a dot](${PNG})\n\n- [x] done\n- [ ] open\n\nשלום עולם, this is right to left.\n\n`,
  "The [guide][g] is there. `$x$` is code, and \\(\\nosuchcommand{\\) is none.\n\n[g]: https://guide.example/\n",
];

Deno.test(
  "answers in a browser: formulas, colours, tables, pictures, directions",
  options,
  async (t) => {
    await using place = await fixture();
    const { provider, a, browser } = place;
    await using visitor = await visitAs(browser, await signUp(a.url, "Ada"), a.url);
    const { page, faults } = visitor;
    page.setDefaultTimeout(LIMIT_MS);
    const answer = page.locator(".answer .markdown").last();
    await page.locator(".light.online").waitFor({ state: "attached" });
    provider.script = { tokens: ANSWER, paceMs: 5 };
    await ask(page, "Show everything.");
    await page.getByRole("button", { name: "Ask again" }).waitFor();

    await t.step("W6: formulas are drawn, prices and code are text", async () => {
      await answer.locator(".math-display .katex-display .mfrac").waitFor();
      assert.equal(await answer.locator(".math-inline .katex-mathml").count(), 1);
      assert.match(await answer.innerText(), /It costs \$5 or \$6\./);
      assert.equal(await answer.locator("code", { hasText: "$x$" }).count(), 1);
      // What is no formula stays as it was written.
      assert.match(await answer.innerText(), /\\nosuchcommand\{/);
      const font = await answer.locator(".math-inline .mathnormal").first()
        .evaluate((element) => getComputedStyle(element).fontFamily);
      assert.match(font, /KaTeX_Math/);
      await page.evaluate(() => document.fonts.ready);
      assert.ok(await page.evaluate(() => document.fonts.check("16px KaTeX_Main")));
    });

    await t.step("code has the colours and the name of its language", async () => {
      await answer.locator("code.language-py .hljs-keyword", { hasText: "def" }).waitFor();
      await answer.locator("code.language-rust .hljs-keyword", { hasText: "fn" }).waitFor();
      const names = await answer.locator(".code-language").allInnerTexts();
      assert.deepEqual(names, ["Python", "Rust"]);
      const colour = (selector: string) =>
        answer.locator(selector).first().evaluate((element) => getComputedStyle(element).color);
      assert.notEqual(await colour(".hljs-keyword"), await colour("code.language-py"));
    });

    await t.step("W5: a table that is too wide scrolls, and its words stay whole", async () => {
      const frame = answer.locator(".table-frame");
      const { scrolls, fits } = await frame.evaluate((element) => ({
        scrolls: element.scrollWidth > element.clientWidth,
        fits: element.getBoundingClientRect().width <= (element.parentElement?.clientWidth ?? 0),
      }));
      assert.ok(scrolls && fits);
      const word = answer.locator("td").first();
      const lines = await word.evaluate((cell) => {
        const range = document.createRange();
        range.selectNodeContents(cell);
        return range.getClientRects().length;
      });
      assert.equal(lines, 1, "the word stands in one line");
      const amount = answer.locator("td").nth(1);
      assert.equal(await amount.evaluate((cell) => getComputedStyle(cell).textAlign), "right");
    });

    await t.step("W5: the list goes on after code, and boxes are boxes", async () => {
      assert.equal(await answer.locator("ol").nth(1).getAttribute("start"), "2");
      const boxes = answer.locator("li input[type=checkbox]");
      assert.deepEqual([await boxes.nth(0).isChecked(), await boxes.nth(1).isChecked()], [
        true,
        false,
      ]);
    });

    await t.step("W14: pictures by data URI are shown", async () => {
      const sizes = await answer.locator("img").evaluateAll((images) =>
        images.map((image) => (image as HTMLImageElement).naturalWidth)
      );
      assert.deepEqual(sizes, [1, 1]);
      assert.ok(!(await answer.innerText()).includes("iVBOR"));
    });

    await t.step("W8: right-to-left text is laid out from the right", async () => {
      const text = answer.locator("p", { hasText: "שלום" });
      const style = await text.evaluate((element) => getComputedStyle(element).direction);
      assert.equal(style, "rtl");
      assert.equal(
        await answer.locator("p").first().evaluate((one) => getComputedStyle(one).direction),
        "ltr",
      );
    });

    await t.step("references lead where they say", async () => {
      assert.equal(
        await answer.getByRole("link", { name: "guide" }).getAttribute("href"),
        "https://guide.example/",
      );
      await page.setViewportSize({ width: 1280, height: 1500 });
      await picture(page, "answer_markdown");
    });

    assert.deepEqual(faults, []);
  },
);
