/// <reference lib="dom" />
import assert from "node:assert/strict";
import { startModelProvider } from "../support/model_provider.ts";
import { signUp } from "../support/server.ts";
import { until } from "../support/until.ts";
import { inspect } from "./inspect.ts";
import { ask, fixture, LIMIT_MS, options, visitAs } from "./fixture.ts";

Deno.test(
  "T10: one's own model, set up in the settings: the browser at one instance answers what the other asks",
  options,
  async (t) => {
    await using place = await fixture();
    const { a, b, browser, provider } = place;
    const tokens = Array.from({ length: 60 }, (_, at) => `own${at} `);
    await using own = startModelProvider();
    own.models = [{ id: "mine-7b" }];
    // The server has a model of the same id: it must not be asked in its place, with its key.
    provider.models = [{ id: "mine-7b", name: "Theirs" }];
    const ada = await signUp(a.url, "Ada");
    await using visitor = await visitAs(browser, ada, `${b.url}/#/settings`);
    const { page, context, faults } = visitor;
    page.setDefaultTimeout(LIMIT_MS);
    const connectTo = async (address: string) => {
      await page.getByLabel("Address").fill(address);
      await page.getByLabel("Key").fill("my own key");
      await page.getByRole("button", { name: "Connect", exact: true }).click();
    };

    await t.step("an address where nobody answers is said so, and the form stays", async () => {
      await connectTo("http://127.0.0.1:1/v1");
      await page.getByRole("alert").getByText("can't be reached").waitFor();
      await inspect(page, "settings_error");
      assert.ok(faults.splice(0).every((fault) => /ERR_|127\.0\.0\.1:1\//.test(fault)));
    });

    await t.step("a good one tells its models, and is remembered", async () => {
      await connectTo(`${own.baseUrl}/`);
      await page.getByText("Connected: 1 model.").waitFor();
      await page.getByRole("list", { name: "Models" }).getByText("mine-7b").waitFor();
      await page.reload();
      await page.getByRole("list", { name: "Models" }).getByText("mine-7b").waitFor();
      await inspect(page, "settings");
    });

    await t.step(
      "the question goes to one instance, the browser's answer in by the other",
      async () => {
        own.script = { tokens, paceMs: 5 };
        let asked = 0;
        // As a balancer would: this request to the one, the socket stays at the other.
        await context.route("**/api/chat/completions", async (route) => {
          asked++;
          const url = route.request().url().replace(b.url, a.url);
          await route.fulfill({ response: await route.fetch({ url }) });
        });
        await page.evaluate(() => location.hash = "#/chat");
        await page.getByRole("button", { name: "Model:" }).click();
        await page.getByRole("group", { name: "Mine" }).getByText("mine-7b (mine)").click();
        await ask(page, "Go.");
        const answer = page.locator(".answer").last();
        await answer.getByText("own59").waitFor();
        await page.getByRole("button", { name: "Ask again" }).waitFor();
        assert.equal(
          (await answer.locator(".markdown").innerText()).trim(),
          tokens.join("").trim(),
        );
        assert.equal(asked, 1);
        assert.equal(provider.requests.length, 0, "the server's own model was asked");
        assert.equal(own.requests[0]?.headers.get("authorization"), "Bearer my own key");
        assert.equal(new URL(own.requests[0]?.headers.get("origin") ?? "").origin, b.url);
      },
    );

    await t.step("a stop ends what the browser asks its provider, too", async () => {
      own.script = { tokens: tokens.map((token) => `more-${token}`), paceMs: 100 };
      await ask(page, "Again.");
      const answer = page.locator(".answer").last();
      await answer.getByText("more-own5").waitFor();
      await page.getByRole("button", { name: "Stop" }).click();
      await answer.getByText("Stopped before its end.").waitFor();
      await until(() => own.requests.at(-1)?.closedAtMs, { what: "the end of the upstream" });
      const ended = `POST ${own.baseUrl}/chat/completions: net::ERR_ABORTED`;
      await until(() => faults.includes(ended), { what: "the browser's word of it" });
      // The reload before took back what was on its way, too.
      assert.ok(faults.splice(0).every((fault) => fault.includes("ERR_ABORTED")));
    });

    await t.step("forgotten, it is offered no more", async () => {
      await page.evaluate(() => location.hash = "#/settings");
      await page.getByRole("button", { name: "Forget it" }).click();
      await page.getByRole("list", { name: "Models" }).waitFor({ state: "detached" });
      const kept = await page.evaluate(() => localStorage.getItem("settings") ?? "");
      assert.ok(!kept.includes("my own key"));
      await page.evaluate(() => location.hash = "#/chat");
      await page.getByRole("button", { name: "Model: Theirs" }).waitFor();
    });
    assert.deepEqual(faults, []);
  },
);
