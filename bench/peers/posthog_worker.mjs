/**
 * A thread of PostHog's plugin server: a call goes into the VM, out of it to the guard that races it against a timer
 * which nobody clears, and back. What its Babel plugins added to loops and awaits is left out, since the plugins of the
 * workload have none.
 */
import { workerData } from "piscina";
import { VM } from "vm2";

const TASK_TIMEOUT_MS = 30_000;

async function asyncGuard(promise, name) {
  return await Promise.race([
    promise,
    new Promise((_, reject) => setTimeout(() => reject(new Error(`${name} timed out`)), TASK_TIMEOUT_MS)),
  ]);
}

const plugins = workerData.map((source, index) => {
  const vm = new VM({ timeout: TASK_TIMEOUT_MS + 1, sandbox: {} });
  vm.freeze(asyncGuard, "__asyncGuard");
  vm.freeze({ config: { greeting: "hello" } }, "__hostMeta");
  vm.run(`const module = { exports: {} }; let exports = module.exports; ${source};`);
  const processEvent = vm.run(`(() => {
    const meta = { ...__hostMeta, global: {} };
    const withMeta = (...args) => module.exports.processEvent(...args, meta);
    return (...args) => __asyncGuard(withMeta(...args), "processEvent");
  })()`);
  return { mark: `plugin ${index} (${index})`, processEvent };
});

/** What comes of vm2 may have proxies in it, which no message can. */
function clone(value) {
  if (value !== Object(value)) return value;
  if (Array.isArray(value)) return value.map(clone);
  const copy = {};
  for (const key in value) copy[key] = clone(value[key]);
  return copy;
}

export default async function runProcessEvent({ event }) {
  const succeeded = [];
  const failed = [];
  let current = event;
  for (const { mark, processEvent } of plugins) {
    try {
      current = (await processEvent(current)) || null;
      if (current && current.team_id !== event.team_id) throw new Error("Plugin tried to change event.team_id");
      succeeded.push(mark);
    } catch {
      failed.push(mark);
    }
    if (!current) return null;
  }
  event.properties = { ...event.properties, $plugins_succeeded: succeeded, $plugins_failed: failed };
  return clone(current);
}
