/**
 * vm2 as PostHog's plugin server used it: a VM per plugin, a call per event with events of a batch at the same time, and each call
 * raced against a 30 s timer that nobody clears.
 */
import { VM } from "vm2";
import { contend } from "./contender.mjs";

const TASK_TIMEOUT_MS = 30_000;

function guard(value) {
  const timeout = new Promise((_, reject) => setTimeout(() => reject(new Error("timed out")), TASK_TIMEOUT_MS).unref());
  timeout.catch(() => {});
  return Promise.race([value, timeout]);
}

await contend((sources) => {
  const plugins = sources.map((source) => {
    const vm = new VM({ timeout: TASK_TIMEOUT_MS + 1, sandbox: {} });
    const plugin = vm.run(
      `(function () { const module = { exports: {} }; let exports = module.exports; ${source}; return module.exports; })()`,
    );
    return { processEvent: plugin.processEvent, meta: { config: { greeting: "hello" } } };
  });
  return async (events) => {
    const out = await Promise.all(events.map(async (event) => {
      let current = event;
      for (const { processEvent, meta } of plugins) {
        current = await guard(processEvent(current, meta));
        if (!current) return null;
      }
      // What left the thread was cloned.
      return JSON.parse(JSON.stringify(current));
    }));
    return out.filter((event) => event !== null);
  };
});
