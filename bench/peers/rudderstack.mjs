/**
 * isolated-vm as RudderStack's transformer calls it: for each batch of 200 and transformation a new isolate and
 * context, the code compiled into it, events copied in and out as a whole, and the isolate disposed of. With its cache
 * of isolates, which is off by default, it still makes a context and compiles for each batch.
 */
import ivm from "isolated-vm";
import { contend } from "./contender.mjs";

const EXECUTION_TIMEOUT_MS = 4_000;

const BOOTSTRAP = `new function () {
  const ivm = _ivm;
  delete globalThis._ivm;
  return new ivm.Reference((run, resolve, reject, payload) => {
    Promise.resolve(run.deref()(payload)).then(
      (value) => resolve.applyIgnored(undefined, [new ivm.ExternalCopy(value).copyInto()]),
      (error) => reject.applyIgnored(undefined, [new ivm.ExternalCopy(error.message).copyInto()]));
  });
}`;

const wrap = (source) => `
  const module = { exports: {} }; let exports = module.exports; ${source};
  const meta = { config: { greeting: "hello" } };
  export async function transformWrapper({ events }) {
    const output = [];
    await Promise.all(events.map(async (event) => {
      const transformedEvent = await module.exports.processEvent(event, meta);
      if (transformedEvent) output.push({ transformedEvent });
    }));
    return output;
  }`;

async function transform(source, events) {
  const isolate = new ivm.Isolate({ memoryLimit: 128 });
  const context = await isolate.createContext();
  await context.global.set("_ivm", ivm);
  const bootstrap = await (await isolate.compileScript(BOOTSTRAP)).run(context);
  const module = await isolate.compileModule(wrap(source));
  await module.instantiate(context, () => {});
  await module.evaluate();
  const run = await module.namespace.get("transformWrapper", { reference: true });
  const output = await new Promise((resolve, reject) => {
    const payload = new ivm.ExternalCopy({ events }).copyInto({ transferIn: true });
    bootstrap.apply(undefined, [run, new ivm.Reference(resolve), new ivm.Reference(reject), payload], {
      timeout: EXECUTION_TIMEOUT_MS,
    }).catch(reject);
  });
  isolate.dispose();
  return output.map(({ transformedEvent }) => transformedEvent);
}

await contend((sources) => async (events) => {
  let current = events;
  for (const source of sources) current = await transform(source, current);
  return current;
}, { batch: 200, inFlight: 2 });
