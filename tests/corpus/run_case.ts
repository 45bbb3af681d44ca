/**
 * Runs one case of the corpus in a cell and sandbox of the service, and says what came out differently.
 * @module
 */

import { Buffer } from "node:buffer";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { ErrorRecord } from "../../runtime/errors.ts";
import { type BatchFunction, Outcome } from "../../runtime/protocol.ts";
import {
  type EventOutcome,
  type FixturePlugin,
  PLUGIN_CONFIG_ID,
  startFixturePlugin,
} from "../../testing/fixture_plugin.ts";
import type { FetchRule } from "../../testing/sandbox/fetch_fixture.ts";
import { checkEffects } from "./check_effects.ts";
import type { CorpusCase, CorpusStep, Expectation } from "./corpus_case.ts";
import { difference } from "./difference.ts";
import { loadCorpusPlugin } from "./load_corpus_plugin.ts";
import { ownHeaders } from "./own_headers.ts";

/** Empty when all is as expected. */
export async function runCase(folder: string, given: CorpusCase): Promise<string[]> {
  let plugin: FixturePlugin;
  try {
    plugin = await startFixturePlugin({
      plugin: await loadCorpusPlugin(folder, given),
      config: given.config,
      attachments: await readAttachments(folder, given),
      fetch: [
        ...given.fetch.map(({ text, ...rule }) => ({ ...rule, body: rule.body ?? text })),
        ...webhookRules(given),
      ],
      geoip: given.geoip,
      now: Date.parse(given.now),
      random: given.random,
    });
  } catch (error) {
    return compareThrown("setup", given.expect_setup?.throws, describeThrown(error));
  }
  await using running = plugin;
  await fill(running, given);

  const setup = running.capabilities.methods.includes("setupPlugin")
    ? await running.call("method", "setupPlugin")
    : null;
  await running.settled();
  const found = compareThrown(
    "setup",
    given.expect_setup?.throws,
    setup?.ok === false ? thrown(setup.error) : undefined,
  );
  if (setup?.ok === false) return [...found, ...await checkEffects(running, given)];

  const steps: CorpusStep[] = given.steps ?? (given.events ?? []).map((event) => ({ event }));
  if (steps.length !== given.expect.length) {
    found.push(`expect has ${given.expect.length} entries for ${steps.length} steps`);
  }
  for (const [index, step] of steps.entries()) {
    if (step.advance_seconds !== undefined) running.advance(step.advance_seconds * 1000);
    if (step.random !== undefined) running.setRandom(step.random);
    const expected = given.expect[index] ?? null;
    for (const line of await runStep(running, given.fn, step, expected)) found.push(`step ${index}: ${line}`);
  }
  return [...found, ...await checkEffects(running, given)];
}

async function runStep(plugin: FixturePlugin, fn: string, step: CorpusStep, expected: Expectation): Promise<string[]> {
  const fetchedBefore = plugin.fetched.length;
  let outcome: EventOutcome | undefined;
  let returned: unknown = null;
  let error: ErrorRecord | null = null;
  if (step.event !== undefined || step.events !== undefined) {
    const outcomes = await plugin.batch(fn as BatchFunction, step.events ?? [step.event ?? {}]);
    outcome = outcomes[0];
    error = outcome?.error ?? null;
  } else {
    const answer = step.run !== undefined
      ? await plugin.call(plugin.capabilities.scheduled_tasks.includes(step.run) ? "task" : "method", step.run)
      : await plugin.call("job", step.job ?? "", step.payload);
    if (answer.ok) returned = answer.value ?? null;
    else error = answer.error;
  }
  await plugin.settled();

  const expectsThrown = expected !== null && "throws" in expected ? expected.throws : undefined;
  const found = compareThrown("it", expectsThrown, error === null ? undefined : thrown(error));
  if (found.length > 0 || error !== null) return found;
  if (fn === "composeWebhook" && outcome !== undefined) {
    returned = composedBy(plugin.fetched.splice(fetchedBefore)[0], expected);
  } else if (fn === "processEvent" && outcome !== undefined) {
    return compareEvent(step.event ?? {}, outcome, expected);
  }
  if (expected === null || !("returns" in expected)) {
    return ["a function that does not return an event was expected to"];
  }
  return isDeepStrictEqual(returned, expected.returns)
    ? []
    : [`returned ${show(returned)}, expected ${show(expected.returns)}`];
}

function compareEvent(given: object, { outcome, event }: EventOutcome, expected: Expectation): string[] {
  const dropped = outcome === Outcome.dropped || event === null;
  if (expected === null) return dropped ? [] : ["the event was expected to be dropped"];
  if (!("set" in expected)) return [`processEvent was expected to give ${show(expected)}`];
  if (dropped) return ["the event was dropped"];
  const found = difference(given, event);
  const wanted = { set: expected.set, unset: expected.unset.toSorted() };
  return isDeepStrictEqual(found, wanted) ? [] : [`changed ${show(found)}, expected ${show(wanted)}`];
}

/** What composeWebhook returned, as far as the request shows it, in the form of the case. */
function composedBy(request: FixturePlugin["fetched"][number] | undefined, expected: Expectation): unknown {
  if (request === undefined) return null;
  const wanted = expected !== null && "returns" in expected ? expected.returns as Record<string, unknown> | null : null;
  const names = Object.keys((wanted?.headers ?? {}) as object);
  const headers = Object.entries(ownHeaders(request.headers, names));
  return {
    url: request.url === new URL(String(wanted?.url ?? request.url)).href ? wanted?.url ?? request.url : request.url,
    ...(wanted === null || "headers" in wanted
      ? {
        headers: Object.fromEntries(
          headers.map(([name, value]) =>
            [names.find((wanted) => wanted.toLowerCase() === name) ?? name, value] as const
          ),
        ),
      }
      : {}),
    ...(wanted === null || "method" in wanted || request.method !== "POST" ? { method: request.method } : {}),
    ...(wanted !== null && "json" in wanted
      ? { json: JSON.parse(request.body ?? "null") }
      : { body: request.body ?? "" }),
  };
}

/** The service sends what composeWebhook returned, and the case looks at the request: any answer will do. */
function webhookRules({ fn, expect }: CorpusCase): FetchRule[] {
  if (fn !== "composeWebhook") return [];
  const expected = expect.flatMap((each) =>
    each !== null && "returns" in each ? [each.returns as { url?: string } | null] : []
  );
  return [...expected.flatMap((webhook) => webhook?.url === undefined ? [] : [{ url: webhook.url }]), {
    prefix: "http",
  }];
}

async function fill({ services, cache }: FixturePlugin, given: CorpusCase): Promise<void> {
  for (const [key, value] of Object.entries(given.storage)) {
    await services.store.storage.set(PLUGIN_CONFIG_ID, key, JSON.stringify(value));
  }
  for (const [key, value] of Object.entries(given.cache)) {
    const entry = typeof value === "object" && value !== null && "value" in value
      ? value as { value: unknown }
      : { value };
    await cache.cache.set(`@plugin/${PLUGIN_CONFIG_ID}/2/${key}`, JSON.stringify(entry.value));
  }
}

async function readAttachments(folder: string, { attachments }: CorpusCase) {
  const read = Object.entries(attachments).map(async ([key, { contents, file, ...rest }]) => {
    const bytes = file !== undefined
      ? await Deno.readFile(join(folder, file))
      : Buffer.from(typeof contents === "string" ? contents : JSON.stringify(contents));
    return [key, { ...rest, contents: bytes }] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

function compareThrown(what: string, expected: string | undefined, found: string | undefined): string[] {
  if (expected === found) return [];
  if (expected === undefined) return [`${what} threw ${show(found)}`];
  return [
    `${what} was expected to throw ${show(expected)}, ${
      found === undefined ? "nothing was thrown" : `threw ${show(found)}`
    }`,
  ];
}

function thrown({ name, message }: ErrorRecord): string {
  return name === "RetryError" ? `RetryError: ${message}` : message;
}

function describeThrown(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function show(value: unknown): string {
  return JSON.stringify(value);
}
