/**
 * The events of a dry run on their way: through the plugins, then finished as the router finishes them, and shaped as
 * consumers receive them. A dry run therefore shows what would really happen.
 * @module
 */

import { Outcome } from "../../runtime/protocol.ts";
import { readExportEventsSettings } from "../consumers/sinks/export_events_settings.ts";
import type { ConsumingFunction } from "../consumers/sinks/plugin_call.ts";
import { readEvent, shapeEvent } from "../consumers/sinks/shape_event.ts";
import type { StoredRecord } from "../log/event_log.ts";
import { decodeEvents, encodeEvents } from "../router/encode_events.ts";
import { finishBatch, type FinishOptions } from "../router/finish_batch.ts";
import { withMarks } from "../router/marks.ts";
import type { RoutedBatch } from "../router/route_batch.ts";
import type { StagePlugin } from "../router/stage.ts";

type Event = Record<string, unknown>;

export interface PassingEvents {
  /**
   * The events that the next plugin receives, with their positions among all. Session recordings are not passed to
   * plugins.
   */
  next(plugin: StagePlugin): { index: number; event: Event }[];
  /**
   * Records what a plugin made of one event. A null event was dropped if the outcome says so, and is otherwise
   * unchanged.
   */
  passed(plugin: StagePlugin, index: number, outcome: Outcome, event: Event | null): void;
  /**
   * To be called once, after the last plugin and before `consumed`. Finishes the events as the outbox would receive
   * them.
   */
  finish(options: FinishOptions): Promise<void>;
  /** The events in the form in which the function receives them. */
  consumed(fn: ConsumingFunction, config: Event): { index: number; event: Event }[];
  results(): { after: Event | null; dropped_by: number | null }[];
}

interface PassingEvent {
  original: StoredRecord;
  after: Event | null;
  droppedBy: number | null;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function passEvents(given: Event[]): PassingEvents {
  const events = given.map((event): PassingEvent => ({
    original: { cursor: "", at: 0, key: String(event.distinct_id), event: toBytes(event) },
    after: event,
    droppedBy: null,
  }));
  const runs: RoutedBatch["runs"] = [];

  function left(): { index: number; event: Event }[] {
    return events.flatMap(({ after }, index) => after === null ? [] : [{ index, event: after }]);
  }

  return {
    next(plugin) {
      const next = left().filter(({ event }) => event.event !== "$snapshot");
      if (!plugin.readsMarks) return next;
      const marked = withMarks(toEncoded(next), next.map(({ index }) => index), runs);
      return decodeEvents(marked).map((bytes, at) => ({ index: next[at]?.index ?? at, event: toEvent(bytes) }));
    },
    passed(plugin, index, outcome, event) {
      const state = events[index];
      if (state === undefined) return;
      runOf(plugin).outcomes[index] = outcome;
      if (outcome === Outcome.dropped) Object.assign(state, { after: null, droppedBy: plugin.pluginConfigId });
      else if (event !== null) state.after = event;
    },
    async finish(options) {
      const survivors = left();
      const indices = survivors.map(({ index }) => index);
      const routed = { survivors: indices, events: toEncoded(survivors), runs };
      const finished = await finishBatch(events.map(({ original }) => original), routed, options);
      for (const [at, { index }] of survivors.entries()) {
        const [state, record] = [events[index], finished[at]];
        if (state !== undefined && record !== undefined) state.after = toEvent(record.event);
      }
    },
    consumed(fn, config) {
      const { ignore } = readExportEventsSettings(config);
      return left().flatMap(({ index, event }) => {
        const finished = readEvent(toBytes(event));
        if (!consumes(fn, finished.event, ignore)) return [];
        return [{ index, event: JSON.parse(shapeEvent(finished, fn)) as Event }];
      });
    },
    results: () => events.map(({ after, droppedBy }) => ({ after, dropped_by: droppedBy })),
  };

  function runOf(plugin: StagePlugin): RoutedBatch["runs"][number] {
    const known = runs.find((run) => run.plugin === plugin);
    if (known !== undefined) return known;
    const run = { plugin, outcomes: new Array<Outcome>(events.length).fill(Outcome.skipped) };
    runs.push(run);
    return run;
  }
}

/** Whether the function's consumer would select this event. */
function consumes(fn: ConsumingFunction, name: string, ignored: ReadonlySet<string>): boolean {
  if (fn === "exportEvents") return !ignored.has(name);
  return (name === "$snapshot") === (fn === "onSnapshot");
}

function toEncoded(events: { event: Event }[]) {
  return encodeEvents(events.map(({ event }) => ({ event: toBytes(event) })));
}

function toBytes(event: Event): Uint8Array {
  return encoder.encode(JSON.stringify(event));
}

function toEvent(bytes: Uint8Array): Event {
  return JSON.parse(decoder.decode(bytes));
}
