/**
 * Proves that the alert rules and the dashboard ask for what /metrics of a running service has: each metric, with each
 * of its labels. Where Prometheus' own promtool is installed, it checks the rules and their tests as well.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { eventually } from "../kit/eventually.ts";
import { onPath } from "../kit/servers/server_process.ts";
import { startTestService } from "../kit/service.ts";
import { temporaryFolder } from "../kit/temporary_folder.ts";

const DEPLOY = fileURLToPath(new URL("../../deploy/", import.meta.url));
const hasPromtool = onPath("promtool").some((path) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
});

/** Every `hogpen_…` of an expression, with the labels that stand in its braces. */
function metricsIn(expression: string): { name: string; labels: string[] }[] {
  return Array.from(expression.matchAll(/\b(hogpen_\w+)(?:\{([^}]*)\})?/g), ([, name = "", braces = ""]) => ({
    name,
    labels: Array.from(braces.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g), ([, label = ""]) => label),
  }));
}

async function expressions(): Promise<string[]> {
  const rules = await Deno.readTextFile(`${DEPLOY}prometheus/alerts.yaml`);
  const dashboard = JSON.parse(await Deno.readTextFile(`${DEPLOY}grafana/hogpen.json`)) as {
    panels: { targets: { expr: string }[] }[];
  };
  return [
    ...Array.from(
      rules.matchAll(/^ {8}expr: (?:\|\n((?: {10,}.*\n)+)|(.*)\n)/gm),
      ([, many, one]) => many ?? one ?? "",
    ),
    ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ];
}

Deno.test("what the alert rules and the dashboard ask for is what /metrics has", async () => {
  await using folder = await temporaryFolder();
  await using service = await startTestService({
    config: {
      projects: [{
        id: 1,
        token: "phc_local",
        plugins: [{ id: 1, source: fileURLToPath(new URL("../../plugins/hello_world", import.meta.url)) }],
        destinations: [{ id: "archive", type: "ndjson", path: folder.file("events.ndjson") }],
      }],
    },
  });
  await service.capture({ api_key: "phc_local", event: "hello", distinct_id: "me", properties: {} });
  // Refused: the code of the answer is a label of a counter that has no value before.
  await (await fetch(`${service.url}/capture`, { method: "POST", body: "[]" })).body?.cancel();
  const shown = await eventually("the event is delivered", async () => {
    const text = await (await fetch(`${service.url}/metrics`)).text();
    return /hogpen_consumer_bytes_total\{.*\} [1-9]/.test(text) ? text : null;
  });

  const consumer = 'project="1",consumer="destination:1/archive"';
  for (const name of ["hogpen_consumer_delivery_duration_seconds", "hogpen_consumer_event_age_seconds"]) {
    assert(shown.includes(`${name}_bucket{le="+Inf",${consumer}} 1\n`), name);
    assert(shown.includes(`${name}_count{${consumer}} 1\n`), name);
  }
  assert(shown.includes(`hogpen_consumer_deliveries_total{${consumer},outcome="succeeded"} 1\n`));

  const asked = (await expressions()).flatMap(metricsIn);
  assert(asked.length > 20, "hardly any metric was found: the pattern is wrong");
  for (const { name, labels } of asked) {
    const series = shown.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
    assert(series.length > 0, `/metrics has no ${name}`);
    for (const label of labels) assert(series.every((line) => line.includes(`${label}="`)), `${name} has no ${label}`);
  }
});

Deno.test({
  name: "promtool takes the alert rules, and they fire when they should",
  ignore: !hasPromtool,
  async fn() {
    for (const args of [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]]) {
      const { success, stdout, stderr } = await new Deno.Command("promtool", { args, cwd: `${DEPLOY}prometheus` })
        .output();
      assert(success, new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr));
    }
  },
});
