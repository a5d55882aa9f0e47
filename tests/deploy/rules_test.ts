/** The rules for alerts of `docs/deploy/`, by Prometheus' own tool. */
import assert from "node:assert/strict";
import { say } from "../support/say.ts";

const FILES = new URL("../../docs/deploy/", import.meta.url);

function isInstalled(): boolean {
  try {
    return new Deno.Command("promtool", { args: ["--version"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    say("promtool is not installed: the rules for alerts are not tested (Debian: prometheus)");
    return false;
  }
}

Deno.test({
  name: "the alerts come when they should, and none of two instances that are well",
  ignore: !isInstalled(),
  async fn() {
    for (
      const args of [["check", "rules", "prometheus-rules.yaml"], [
        "test",
        "rules",
        "prometheus-rules_test.yaml",
      ]]
    ) {
      const { success, stdout, stderr } = await new Deno.Command("promtool", { args, cwd: FILES })
        .output();
      const said = new TextDecoder();
      assert.ok(success, said.decode(stdout) + said.decode(stderr));
    }
  },
});

Deno.test("each alert has its test", async () => {
  const [rules, tests] = await Promise.all(
    ["prometheus-rules.yaml", "prometheus-rules_test.yaml"].map((name) =>
      Deno.readTextFile(new URL(name, FILES))
    ),
  );
  const names = [...(rules ?? "").matchAll(/- alert: (\w+)/g)].map(([, name = ""]) => name);
  assert.ok(names.length > 5);
  for (const name of names) {
    assert.match(tests ?? "", new RegExp(`alertname: ${name}\n +exp_alerts`), name);
  }
});
