/**
 * Gives the events of a corpus to each of its plugins in a dry run and then live, and compares what became of them:
 * `deno task corpus:live --plugins <folder> --cases <cases.json> [plugin …]`. Plugins reach the network as they do
 * live.
 * @module
 */

import { join } from "node:path";
import { liveOutcome, ownFields, tryOut } from "../kit/dry_run.ts";
import { startTestService } from "../kit/service.ts";
import { corpusArguments, type CorpusOptions } from "./corpus_arguments.ts";
import { type CorpusCase, readCases } from "./corpus_case.ts";
import { type Difference, difference } from "./difference.ts";
import { preparePlugin, stopBundler } from "./load_corpus_plugin.ts";

type Event = Record<string, unknown>;

const PROJECT = 1;
const TOKEN = "phc_corpus";
/** As many as a dry run takes. */
const MOST_EVENTS = 20;
const TIMESTAMP = "2026-01-05T10:20:30.000Z";
/** What each plugin is given besides the events of its own cases. */
const MORE_EVENTS: Event[] = [
  {
    event: "$pageview",
    distinct_id: "somebody",
    properties: { $current_url: "https://example.com/a/1?utm_source=x#top", $ip: "203.0.113.7", version: "1.2.3" },
  },
  {
    event: "$identify",
    distinct_id: "somebody",
    properties: { $set: { email: "somebody@example.com", plan: "free" } },
  },
  {
    event: "paid",
    distinct_id: "somebody",
    properties: { amount: "20", currency: "EUR", nested: { deep: { er: 1 } } },
  },
];

export interface AsLiveResult {
  equal: number;
  different: number;
  skipped: number;
}

/** Compares plugins of these names. A plugin is skipped when its folder is not there, or when its cases need files or a database. */
export async function compareWithLive(
  { plugins, cases, names = [], print = console.log }: CorpusOptions,
): Promise<AsLiveResult> {
  const readable = (await readCases(cases)).filter((given): given is CorpusCase => !("unreadable" in given));
  const result: AsLiveResult = { equal: 0, different: 0, skipped: 0 };
  for (const [name, own] of Map.groupBy(readable, ({ plugin }) => plugin)) {
    if (names.length > 0 && !names.includes(name)) continue;
    const folder = join(plugins, name);
    const given = own.find(({ attachments }) => Object.keys(attachments).length === 0);
    if (given === undefined || !await Deno.stat(folder).then(() => true, () => false)) {
      result.skipped++;
      print(`skip ${name}: ${given === undefined ? "its cases have attachments" : `there is no folder ${folder}`}`);
      continue;
    }
    const found = await comparePlugin(folder, given, eventsOf(own));
    if (found.length === 0) result.equal++;
    else {
      result.different++;
      print(`DIFF ${name}: ${found.join("; ")}`);
    }
  }
  await stopBundler();
  print(`${result.equal} equal, ${result.different} different, ${result.skipped} skipped`);
  return result;
}

/**
 * Empty when the plugin does live what it did in the dry run. What two dry runs do not agree on is chance, and not
 * compared.
 */
async function comparePlugin(folder: string, given: CorpusCase, events: Event[]): Promise<string[]> {
  await using prepared = await preparePlugin(folder, given);
  const plugin = { id: 1, source: prepared.path, config: given.config };
  await using service = await startTestService({
    config: { projects: [{ id: PROJECT, token: TOKEN, plugins: [plugin] }] },
  });
  const first = await tryOut(service, { team_id: PROJECT, events, fetch: "real" });
  const second = await tryOut(service, { team_id: PROJECT, events, fetch: "real" });
  const found: string[] = [];
  for (const [at, event] of events.entries()) {
    const [dry, again] = [first, second].map((run) => ownFields(run.events[at]?.after));
    await service.capture({ api_key: TOKEN, ...event });
    const live = await liveOutcome(service, PROJECT, String(event["uuid"]));
    const chance = pointersOf(difference(dry, again));
    const different = pointersOf(difference(dry, live)).filter((pointer) => !chance.includes(pointer));
    if (different.length > 0) found.push(`${event["event"]} (${at}): ${different.map((each) => each || "whole")}`);
  }
  return found;
}

function pointersOf({ set, unset }: Difference): string[] {
  return [...Object.keys(set), ...unset];
}

/** What an SDK would send; the times and addresses of a corpus are those of the service that recorded it. */
function eventsOf(cases: CorpusCase[]): Event[] {
  const own = cases.flatMap(({ events = [], steps = [] }) => [
    ...events,
    ...steps.flatMap(({ event, events = [] }) => event === undefined ? events : [event, ...events]),
  ]);
  return [...own, ...MORE_EVENTS].slice(-MOST_EVENTS).map(({ event, distinct_id, properties }) => ({
    event,
    distinct_id,
    ...(properties !== undefined && { properties }),
    timestamp: TIMESTAMP,
    uuid: crypto.randomUUID(),
  }));
}

if (import.meta.main) {
  const { different } = await compareWithLive(corpusArguments("corpus:live", "plugin"));
  Deno.exit(different > 0 ? 1 : 0);
}
