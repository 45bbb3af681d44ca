/**
 * isolated-vm at its best, as nobody calls it: an isolate that is kept for each plugin, a call for each batch, values
 * copied in and out.
 */
import ivm from "isolated-vm";
import { contend } from "./contender.mjs";

await contend(async (sources) => {
  const plugins = [];
  for (const source of sources) {
    const isolate = new ivm.Isolate({ memoryLimit: 128 });
    const context = await isolate.createContext();
    const script = await isolate.compileScript(`
      const module = { exports: {} }; let exports = module.exports; ${source};
      const meta = { config: { greeting: "hello" } };
      async function runBatch(events) {
        const out = await Promise.all(events.map((event) => module.exports.processEvent(event, meta)));
        return out.filter((event) => event);
      }`);
    await script.run(context);
    plugins.push(await context.global.get("runBatch", { reference: true }));
  }
  return async (events) => {
    let current = events;
    for (const runBatch of plugins) {
      current = await runBatch.apply(undefined, [
        new ivm.ExternalCopy(current).copyInto({ release: true, transferIn: true }),
      ], {
        timeout: 30_000,
        result: { promise: true, copy: true },
      });
    }
    return current;
  };
}, { inFlight: 3 });
