/** Proves that no cell outlives a killed host, not even one whose plugin is stuck in a loop. */

import { startAttackedService } from "./attacked_service.ts";
import { isRunning, treeOf } from "./process_tree.ts";
import { eventually } from "../kit/eventually.ts";
import { temporaryFolder } from "../kit/temporary_folder.ts";

Deno.test("cells end by themselves when the host is killed, also while their plugin spins", async () => {
  await using folder = await temporaryFolder();
  const spin = `export function processEvent() { /^(a+)+$/.test("a".repeat(60) + "!") }`;
  const quiet = `export function processEvent(event) { return event }`;
  const plugins = [spin, quiet].map((inline, index) => ({ id: index + 1, source: { inline }, timeoutSeconds: 600 }));
  await using service = await startAttackedService(folder.path, { projects: [{ id: 1, token: "phc_1", plugins }] });
  const tree = treeOf(service.pid);
  await service.post("phc_1", { event: "a", distinct_id: "d", properties: {} });
  const before = service.treeCpuMs();
  await eventually("the plugin spins", () => service.treeCpuMs() - before > 500);
  service.signal("SIGKILL");
  await eventually("no process is left", () => !tree.some(isRunning));
});
