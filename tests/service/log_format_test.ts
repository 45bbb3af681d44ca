/**
 * Proves that with HOGPEN_LOG_FORMAT=json every line that the service prints is a JSON object with time, level and
 * message, from the start to the end.
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { startTestService } from "../kit/service.ts";

Deno.test("in JSON, every line has time, level and message", async () => {
  const inline = 'exports.setupPlugin = () => { throw new Error("first line\\nsecond line") }';
  await using service = await startTestService({
    env: { HOGPEN_LOG_FORMAT: "json" },
    config: { projects: [{ id: 1, token: "phc_local", plugins: [{ id: 1, source: { inline, name: "broken" } }] }] },
  });
  await eventually("the plugin's error is told", () => /first line/.test(service.output()));
  assert.equal((await service.end("SIGTERM")).code, 0);

  const lines = service.output().split("\n").filter((line) => line !== "");
  const entries = lines.map((line) => {
    const { time, level, message } = JSON.parse(line) as Record<string, unknown>;
    assert(!Number.isNaN(Date.parse(String(time))), line);
    assert.match(String(level), /^(?:debug|info|warn|error)$/);
    return { level, message: String(message) };
  });
  assert(entries.some(({ level, message }) => level === "info" && /listens at http:/.test(message)));
  assert(entries.some(({ level, message }) => level !== "info" && /first line/.test(message)));
  assert(entries.some(({ message }) => /SIGTERM: finishing/.test(message)));
});
