/// <reference lib="dom" />
import assert from "node:assert/strict";
import { signUpOnPage, visit } from "../support/browser.ts";
import { say } from "../support/say.ts";
import { ask, fixture, options, waitForText, WORDS } from "./fixture.ts";

Deno.test(
  "fast: first paint on a slow processor, and frames while 100 tokens a second stream",
  options,
  async () => {
    await using place = await fixture();
    const { provider, a, browser } = place;
    await using visitor = await visit(browser, "about:blank");
    const { page, context, faults } = visitor;
    page.setDefaultTimeout(20_000);
    const debug = await context.newCDPSession(page);
    await debug.send("Emulation.setCPUThrottlingRate", { rate: 4 });
    await page.goto(a.url);
    await page.getByRole("heading", { name: "Create the first account" }).waitFor();
    const paint = await page.evaluate(() =>
      performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Infinity
    );
    await debug.send("Emulation.setCPUThrottlingRate", { rate: 1 });
    await signUpOnPage(page, "Ada");
    provider.script = {
      tokens: WORDS.map((word, at) =>
        at % 40 === 39 ? `${word}\n\n## Part\n\n` : `*${word.trim()}* `
      ),
      paceMs: 10,
    };
    await ask(page, "Count.");
    await waitForText(page, ".answer", "word20");
    const frames = await page.evaluate(() =>
      new Promise<number>((resolve) => {
        const end = performance.now() + 1_500;
        let count = 0;
        const next = (now: number) => {
          count++;
          if (now < end) requestAnimationFrame(next);
          else resolve(count / 1.5);
        };
        requestAnimationFrame(next);
      })
    );
    await waitForText(page, ".answer", "word299");
    say(`first paint at a quarter of the speed: ${paint.toFixed(0)} ms`);
    say(`frames while 100 tokens a second stream: ${frames.toFixed(0)} a second`);
    // The figures are what is printed; a machine that is busy with other tests is no reason to fail.
    assert.ok(paint < 10_000, `first paint after ${paint} ms`);
    assert.ok(frames >= 5, `${frames} frames a second`);
    assert.deepEqual(faults, []);
  },
);
