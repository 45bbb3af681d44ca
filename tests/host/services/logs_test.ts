/** Proves that plugin log entries are stored in order, cut to bounds, and kept while the store is unavailable. */

import assert from "node:assert/strict";
import { escapeUnstorable, formLogText } from "../../../host/services/log_text.ts";
import { createPluginLogWriter } from "../../../host/services/logs.ts";
import { type ConsoleLimits, DEFAULT_SERVICE_LIMITS } from "../../../host/services/limits/service_limits.ts";
import { createUuidGenerator } from "../../../runtime/events/uuid.ts";
import type { LogBatch } from "../../../runtime/protocol.ts";
import type { PluginLogs } from "../../../host/store/store.ts";
import { openSqliteStore } from "../../../host/store/sqlite_store.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";

const OWNER = { pluginConfigId: 39, teamId: 2 };
const NOW = Date.UTC(2021, 0, 20, 12);

Deno.test("UT-11 UT-13 escapeUnstorable() leaves valid text as it is", () => {
  for (const text of ["", "plain", "💻 Writing code", "ünïcödé", "\\ud83d in letters"]) {
    assert.equal(escapeUnstorable(text), text);
  }
});

Deno.test("UT-12 escapeUnstorable() writes lone surrogates out, and NUL", () => {
  assert.equal(escapeUnstorable("\ud83d"), "\\ud83d\\");
  assert.equal(escapeUnstorable("a\ude00b💻\ud83d!"), "a\\ude00\\b💻\\ud83d\\!");
  assert.equal(escapeUnstorable("a\0b"), "a\\u0000b");
});

Deno.test("formLogText() cuts long messages and says so, also in the middle of a character", () => {
  const cut = formLogText("💻".repeat(100), 100);
  assert.ok(cut.length < 110);
  assert.ok(cut.endsWith("… (cut: only 100 characters are kept)"));
  assert.ok(cut.isWellFormed());
});

Deno.test("E2-04 createPluginLogWriter() keeps console lines and system entries in their order", async () => {
  await using logs = await openLogs();
  logs.writer.system(OWNER, "INFO", "Plugin loaded");
  logs.writer.fromPlugin(OWNER, [line("first"), { ...line("second"), type: "ERROR", source: "PLUGIN" }], 0);
  await logs.writer.flush();
  const entries = await logs.entries();
  assert.deepEqual(entries.map(({ source, type, message }) => [source, type, message]), [
    ["SYSTEM", "INFO", "Plugin loaded"],
    ["CONSOLE", "LOG", "first"],
    ["PLUGIN", "ERROR", "second"],
  ]);
  assert.deepEqual(entries[1], {
    id: entries[1]?.id,
    ...OWNER,
    at: NOW,
    source: "CONSOLE",
    type: "LOG",
    message: "first",
    instanceId: "here",
  });
});

Deno.test("createPluginLogWriter() uses its own clock when the sandbox's is far off", async () => {
  await using logs = await openLogs();
  const times = [NOW + 1000, 0, NOW + 1e9, NaN, Infinity];
  logs.writer.fromPlugin(OWNER, times.map((at) => ({ ...line("x"), at })), 0);
  await logs.writer.flush();
  assert.deepEqual((await logs.entries()).map(({ at }) => at), [NOW, NOW, NOW, NOW, NOW + 1000]);
});

Deno.test("createPluginLogWriter() bounds a flood, says so in one line and counts the rest", async () => {
  await using logs = await openLogs({ linesPerSecond: 1, linesBurst: 10 });
  logs.writer.fromPlugin(OWNER, Array.from({ length: 500 }, (_, index) => line(`line ${index}`)), 7);
  logs.writer.fromPlugin({ pluginConfigId: 1, teamId: 1 }, [line("of another")], 0);
  await logs.writer.flush();
  const messages = (await logs.entries()).map(({ message }) => message);
  assert.equal(messages.filter((message) => message.startsWith("line")).length, 10);
  assert.equal(messages.filter((message) => message.includes("left out")).length, 1);
  assert.equal((await logs.entries(1)).length, 1);
  await logs.writer[Symbol.asyncDispose]();
  const last = (await logs.entries()).map(({ message }) => message).filter((message) => message.includes("left out"));
  assert.match(last.join(), /: 490 lines were left out/);
});

Deno.test("createPluginLogWriter() cuts messages of more than 50 000 characters", async () => {
  await using logs = await openLogs();
  logs.writer.fromPlugin(OWNER, [line("x".repeat(60_000)), line("y".repeat(50_000))], 0);
  await logs.writer.flush();
  const [first, second] = await logs.entries();
  assert.equal(first?.message.length, 50_000);
  assert.ok(first?.message.endsWith("(cut: only 50000 characters are kept)"));
  assert.equal(second?.message, "y".repeat(50_000));
});

Deno.test("createPluginLogWriter() keeps entries until the store is back, and tells the operator once", async () => {
  const errors: string[] = [];
  const written: string[] = [];
  let away = true;
  const store: Pick<PluginLogs, "append" | "prune"> = {
    append(entries) {
      if (away) return Promise.reject(new Error("connection refused"));
      written.push(...entries.map(({ message }) => message));
      return Promise.resolve();
    },
    prune: () => Promise.resolve(),
  };
  await using writer = createPluginLogWriter({
    store,
    limits: DEFAULT_SERVICE_LIMITS.console,
    instanceId: "here",
    now: () => NOW,
    uuid: createUuidGenerator(() => NOW),
    onError: (message) => errors.push(message),
  });
  writer.system(OWNER, "INFO", "first");
  await writer.flush();
  writer.system(OWNER, "INFO", "second");
  await writer.flush();
  assert.deepEqual(errors, ["Cannot write log entries of plugins: connection refused"]);
  away = false;
  await writer.flush();
  assert.deepEqual(written, ["first", "second"]);
});

Deno.test("createPluginLogWriter() bounds what waits for a slow store, and keeps the newest lines of each plugin", async () => {
  await using logs = await openLogs({ waitingLines: 20, keepLines: 5 });
  logs.writer.fromPlugin(OWNER, Array.from({ length: 100 }, (_, index) => line(`line ${index}`)), 0);
  logs.clock.time += 61_000;
  await logs.writer.flush();
  assert.deepEqual((await logs.entries()).map(({ message }) => message), [15, 16, 17, 18, 19].map((n) => `line ${n}`));
  assert.match(logs.errors.join(), /Left out 80 log entries/);
});

function line(message: string): LogBatch["entries"][number] {
  return { plugin: 0, source: "CONSOLE", type: "LOG", message, at: NOW };
}

async function openLogs(limits: Partial<ConsoleLimits> = {}) {
  const folder = await temporaryFolder();
  const store = await openSqliteStore({ path: folder.file("store.db"), synchronous: "off" });
  const clock = { time: NOW };
  const errors: string[] = [];
  const writer = createPluginLogWriter({
    store: store.logs,
    limits: { ...DEFAULT_SERVICE_LIMITS.console, ...limits },
    instanceId: "here",
    now: () => clock.time,
    uuid: createUuidGenerator(() => NOW),
    onError: (message) => errors.push(message),
  });
  return {
    clock,
    errors,
    writer,
    /** Oldest first. */
    async entries(pluginConfigId = 39) {
      return (await store.logs.list({ pluginConfigId, limit: 1000 })).results.toReversed();
    },
    async [Symbol.asyncDispose]() {
      await writer[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
