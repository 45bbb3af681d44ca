/**
 * The limit that isolation by serialising can come near to: the same plugins as plain functions in one realm, each
 * event parsed before and stringified after every plugin. Speaks like the peers (`peers/contender.mjs`).
 * @module
 */

// @ts-types="./peers/contender.d.mts"
import { contend } from "./peers/contender.mjs";

type Plugin = { processEvent(event: unknown, meta: unknown): unknown };

await contend((sources: string[]) => {
  const plugins = sources.map((source) => {
    const module = { exports: {} as Plugin };
    new Function("module", "exports", source)(module, module.exports);
    return module.exports;
  });
  const meta = { config: { greeting: "hello" } };
  return async (events: unknown[]) => {
    let texts = events.map((event) => JSON.stringify(event));
    for (const plugin of plugins) {
      const out = await Promise.all(texts.map((text) => plugin.processEvent(JSON.parse(text), meta)));
      texts = out.filter((event) => event).map((event) => JSON.stringify(event));
    }
    return texts.map((text) => JSON.parse(text));
  };
});
