/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { PythonRunner } from "../../lib/client/python_runner.ts";
import type { PythonResult } from "../../lib/protocol/chat_events.ts";
import type { Visitor } from "../support/browser.ts";
import { signUp } from "../support/server.ts";
import { until } from "../support/until.ts";
import { ask, fixture, options, visitAs, visitOwnPage, waitForText } from "./fixture.ts";

/** A picture of 3 × 2 red points, by what Python itself brings. */
const PICTURE = `
import struct, zlib
def part(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
rows = b"".join(b"\\x00" + b"\\xff\\x00\\x00" * 3 for _ in range(2))
with open("red.png", "wb") as file:
    file.write(b"\\x89PNG\\r\\n\\x1a\\n")
    file.write(part(b"IHDR", struct.pack(">IIBBBBB", 3, 2, 8, 2, 0, 0, 0)))
    file.write(part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b""))
with open("dot.svg", "w") as file:
    file.write('<svg xmlns="http://www.w3.org/2000/svg" width="5" height="4"><circle r="2"/></svg>')
`;

/** Code that fails, and the lines that are told of it. */
const TRACEBACKS: [string, ...string[]][] = [
  ["1 / 0", "main.py 1"],
  [
    "def f():\n    return g()\ndef g():\n    return {}['a']\n\nf()",
    "main.py 6",
    "main.py 2",
    "main.py 4",
  ],
  ["import json\njson.loads('{')", "main.py 2"],
  ["sorted([1, 2], key=lambda one: one.nothing)", "main.py 1", "main.py 1"],
  ["import functools\nfunctools.reduce(lambda a, b: a / b, [1, 0])", "main.py 2", "main.py 2"],
  ["x = 1\nif x\n    pass", "main.py 2"],
  ["def f(:", "main.py 1"],
  [
    "try:\n    int('x')\nexcept ValueError as error:\n    raise KeyError('k') from error",
    "main.py 2",
    "main.py 4",
  ],
  ["try:\n    1 / 0\nfinally:\n    [][0]", "main.py 2", "main.py 4"],
  ["raise ExceptionGroup('g', [ValueError(1), TypeError(2)])", "main.py 1"],
  [
    "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    1 / 0\nawait f()",
    "main.py 5",
    "main.py 4",
  ],
  ["exec('1 / 0')", "main.py 1"],
  [
    "open('own.py', 'w').write('def f():\\n    1 / 0')\nimport own\nown.f()",
    "main.py 3",
    "/home/pyodide/work/own.py 2",
  ],
];

Deno.test(
  "Python runs in a browser at one instance, asked for at the other: output, result, files, pictures",
  options,
  async (t) => {
    await using place = await fixture();
    const { a, b, browser } = place;
    const ada = await signUp(a.url, "Ada");
    await using visitor = await visitAs(browser, ada, b.url);
    const { page, faults } = visitor;
    await page.locator(".light.online").waitFor({ state: "attached" });
    const [sessionId = ""] = b.sockets.io.sockets.sockets.keys();
    const run = (code: string) =>
      a.sockets.call({
        userId: ada.id,
        sessionId,
        event: {
          chat_id: "c",
          message_id: "m",
          data: { type: "execute:python", data: { id: "1", code, session_id: sessionId } },
        },
      }) as Promise<PythonResult>;

    await t.step("what it prints, its last value, and what it wrote", async () => {
      const result = await run(
        "import sys, math\nprint('hello')\nprint('oh', file=sys.stderr)\n" +
          "open('a.txt', 'w').write('kept')\nmath.factorial(20)",
      );
      assert.deepEqual(result, {
        stdout: "hello\n",
        stderr: "oh\n",
        result: "2432902008176640000",
        files: [
          { name: "a.txt", type: "text/plain", url: `data:text/plain;base64,${btoa("kept")}` },
        ],
      });
    });

    await t.step("values and output are as Python shows them, to the byte", async () => {
      const values = ["True", "1.0", "[True, None]", "{'a': 1}", "2**70", "None", "'text'"];
      const results = [];
      for (const value of values) results.push((await run(value)).result);
      const big = String(2n ** 70n);
      assert.deepEqual(results, ["True", "1.0", "[True, None]", "{'a': 1}", big, null, "text"]);
      assert.equal((await run("print('no line', end='')")).stdout, "no line");
      assert.equal((await run("print('Kyōto 🍵')")).stdout, "Kyōto 🍵\n");
    });

    await t.step("pictures come as data that a page can show", async () => {
      const { files, stderr } = await run(PICTURE);
      assert.equal(stderr, "");
      const sizes = await page.evaluate(
        (files) =>
          Promise.all(
            files.toSorted((a, b) => a.name < b.name ? 1 : -1).map(async ({ url }) => {
              const image = new Image();
              image.src = url;
              await image.decode();
              return [image.naturalWidth, image.naturalHeight];
            }),
          ),
        files,
      );
      assert.deepEqual(sizes, [[3, 2], [5, 4]]);
    });

    await t.step("an error tells its line, and leaves nothing behind", async () => {
      const failed = await run("import os\nleft = 1\nos.mkdir('sub')\nos.chdir('sub')\n1 / 0");
      assert.match(failed.stderr, /line 5[\s\S]*ZeroDivisionError/);
      assert.equal(failed.result, null);
      const { stderr, stdout } = await run("import os\nprint(os.listdir())\nleft");
      assert.equal(stdout, "[]\n");
      assert.match(stderr, /NameError/);
    });

    await t.step(
      "tracebacks tell the code's own lines only, wherever an error comes from",
      async () => {
        for (const [code, ...told] of TRACEBACKS) {
          const { stderr } = await run(code);
          const lines = [...stderr.matchAll(/File "([^"]*)", line (\d+)/g)];
          assert.deepEqual(
            lines.map(([, file, line]) => `${file} ${line}`),
            told,
            `${code}\n${stderr}`,
          );
          assert.doesNotMatch(stderr, /_pyodide|python3\d*|_base\.py|eval_code/, code);
        }
        assert.match((await run("def f():\n    1 / 0\nf()")).stderr, /\n {4}1 \/ 0\n/);
        assert.equal((await run("import sys\nsys.exit()")).stderr, "");
        assert.equal((await run("import sys\nsys.exit('so long')")).stderr, "so long\n");
      },
    );

    await t.step("its code reaches nobody but this server", async () => {
      const blocked = await run(
        `from pyodide.http import pyfetch\nawait pyfetch("${place.provider.baseUrl}/models")`,
      );
      assert.notEqual(blocked.stderr, "");
      assert.equal(place.provider.requests.length, 0);
      assert.ok(faults.splice(0).every((fault) => /Content Security Policy|ERR_|csp/.test(fault)));
    });
    await t.step("a person runs the code of an answer, and sees what comes of it", async () => {
      place.provider.script = { tokens: ["Try this:\n\n```python\n", "print(6 * 7)\n```\n"] };
      await ask(page, "How much is it?");
      await page.getByRole("button", { name: "Run" }).click();
      await waitForText(page, ".code-output", "42");
      assert.equal(await page.getByRole("button", { name: "Copy code" }).count(), 1);
    });

    await t.step("input() asks the person, and goes on with what is typed", async () => {
      const code = "print('Who is there?')\nname = input('Name: ')\nprint(f'Hello {name}!')\n" +
        "print(input('Still there? '))";
      place.provider.script = { tokens: [`\`\`\`python\n${code}\n\`\`\`\n`] };
      await ask(page, "Ask me.");
      await page.getByRole("button", { name: "Ask again" }).nth(1).waitFor();
      await page.getByRole("button", { name: "Run" }).last().click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText("Who is there?\nName: ").waitFor();
      await dialog.getByRole("textbox").fill("Grace ☕");
      await page.keyboard.press("Enter");
      await dialog.getByText("Still there?").waitFor();
      await dialog.getByRole("textbox").fill("yes");
      await dialog.getByRole("button", { name: "OK" }).click();
      await waitForText(page, ".code-output", "Hello Grace ☕!");
      const output = await page.locator(".code-output").last().innerText();
      assert.equal(
        output.trim(),
        "Who is there?\nName: Grace ☕\nHello Grace ☕!\nStill there? yes\nyes",
      );
      // No answer is the end of what there is to read, as in a terminal.
      await page.getByRole("button", { name: "Run" }).last().click();
      await dialog.getByRole("button", { name: "Cancel" }).click();
      await waitForText(page, ".code-output", "EOFError");
    });

    await t.step("code that waits for an answer is stopped, and the next runs", async () => {
      await page.getByRole("button", { name: "Run" }).last().click();
      await page.getByRole("dialog").waitFor();
      // The dialog is in front of everything: the button behind it is what the keyboard of a helper finds.
      await page.getByRole("button", { name: "Stop the code", includeHidden: true })
        .evaluate((button: HTMLElement) => button.click());
      await page.getByText("The code was stopped.").waitFor();
      await page.getByRole("dialog").waitFor({ state: "hidden" });
      assert.equal((await run("1 + 1")).result, "2");
      place.provider.script = { tokens: ["```python\nwhile True: pass\n```\n"] };
      await ask(page, "For ever?");
      await page.getByRole("button", { name: "Ask again" }).nth(2).waitFor();
      await page.getByRole("button", { name: "Run" }).last().click();
      await page.getByRole("button", { name: "Stop the code" }).click();
      await waitForText(page, ".code-output", "The code was stopped.");
    });

    await t.step("code that runs over the limit is ended with its worker", async () => {
      await using other = await visitOwnPage(browser, a, "python.ts");
      await endsWhatRunsOver(other);
    });
    assert.deepEqual(faults, []);
  },
);

/** Ends the worker of code that runs over; what comes next has a fresh one. */
async function endsWhatRunsOver({ page, faults }: Visitor): Promise<void> {
  type Scope = { openPython(limitMs: number): Promise<void>; python: PythonRunner };
  await page.evaluate(() => (globalThis as unknown as Scope).openPython(1_500));
  const run = (code: string) =>
    page.evaluate(
      (code) =>
        (globalThis as unknown as Scope).python.run(code)
          .catch(({ code, message }: Error & { code: string }) => ({ code, message })),
      code,
    ) as Promise<Partial<PythonResult> & { code?: string; message?: string }>;
  const running = run("kept = 'here'\nwhile True: pass");
  const worker = await until(() => page.workers()[0], { what: "a worker" });
  const over = await running;
  assert.equal(over.code, "timeout");
  assert.equal(over.message, "The code ran over 1.5 s and was ended.");
  await until(() => !page.workers().includes(worker), { what: "the worker's end" });
  assert.equal((await run("'kept' in globals()")).result, "False");
  assert.equal(page.workers().length, 1);
  assert.deepEqual(faults, []);
}
