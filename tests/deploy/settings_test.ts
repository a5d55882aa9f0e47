import assert from "node:assert/strict";
import { START_ENV } from "../support/server_process.ts";

const WAYS = [
  "deno.json",
  "docs/deploy/Dockerfile",
  "docs/deploy/webui-realtime.service",
  "docs/operating.md",
];

Deno.test("every way to start the server gives the allocator the same settings", async () => {
  for (const path of WAYS) {
    const text = await Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
    for (const [name, value] of Object.entries(START_ENV)) {
      const given = [...text.matchAll(new RegExp(`${name}=(\\d+)`, "g"))].map(([, given]) => given);
      assert.deepEqual(given, [value], `${path}: ${name}`);
    }
  }
});
