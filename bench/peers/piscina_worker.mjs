import { workerData } from "piscina";

const meta = { config: { greeting: "hello" } };
const plugins = workerData.map((source) => {
  const module = { exports: {} };
  new Function("module", "exports", source)(module, module.exports);
  return module.exports;
});

export default async function runChain(events) {
  let current = events;
  for (const plugin of plugins) {
    const out = await Promise.all(current.map((event) => plugin.processEvent(event, meta)));
    current = out.filter((event) => event);
  }
  return current;
}
