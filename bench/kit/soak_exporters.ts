/**
 * Exporters as people write them, each of which leaves something behind: bodies that nobody reads, or reads in part,
 * requests that are given up, answers that are errors. Each takes the events of its name.
 * @module
 */

import { startSoakReceiver } from "./soak_receiver.ts";
import { SOAK_TOKEN, type SoakScenario } from "./soak_scenario.ts";

/** Code of `onEvent`, by name; `URL` is the receiver's. */
const STYLES: Record<string, string> = {
  "only looks at ok": `const { ok } = await fetch(URL + "/small", post); if (!ok) throw new Error("not ok")`,
  "reads the answer": `await (await fetch(URL + "/small", post)).json()`,
  "leaves a large body": `await fetch(URL + "/large")`,
  "reads half of a body": `const reader = (await fetch(URL + "/large")).body.getReader(); await reader.read()`,
  "gives up a late one": `const over = new AbortController();
    const late = fetch(URL + "/late", { signal: over.signal }).catch(() => {});
    await (await fetch(URL + "/small", post)).text();
    over.abort();
    await late`,
  "does not wait": `fetch(URL + "/small", post)`,
  "leaves an error":
    `const { status } = await fetch(URL + "/error", post); if (status !== 500) throw new Error("expected 500")`,
  "leaves a stream": `await fetch(URL + "/stream")`,
  "uses node-fetch": `await require("node-fetch")(URL + "/small", post)`,
};

export function startExporters(): SoakScenario {
  const receiver = startSoakReceiver();
  const names = Object.keys(STYLES);
  const plugins = Object.entries(STYLES).map(([name, code], index) => ({
    id: index + 1,
    source: {
      name,
      inline: `const URL = ${JSON.stringify(receiver.url)};
        exports.onEvent = async (event) => {
          if (event.event !== ${JSON.stringify(name)}) return;
          const post = { method: "POST", body: JSON.stringify(event) };
          ${code};
        };`,
    },
    egress: { allow: ["127.0.0.1"] },
  }));
  return {
    config: { projects: [{ id: 1, token: SOAK_TOKEN, plugins }] },
    eventName: (number) => names[number % names.length] ?? "",
    steady: new Map(names.map((name, index) => [index + 1, name])),
    summary: () => `requests: ${JSON.stringify(Object.fromEntries(receiver.requests))}`,
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
}
