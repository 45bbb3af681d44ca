/**
 * Builds everything that observes the service at work: counters and their history, failures by kind, and single events.
 * @module
 */

import type { PluginMeter } from "../cells/plugin_meter.ts";
import type { ConsumerStatus } from "../consumers/consumer_status.ts";
import type { PluginView } from "../http/routes/plugin_configs.ts";
import type { Point } from "../store/observed.ts";
import type { Store } from "../store/store.ts";
import { type Counters, createCounters, type IntakeMeter } from "./counters.ts";
import { createProblemWriter } from "./problem_writer.ts";
import { createRecorder } from "./recorder.ts";
import { createSightingWriter, type SightingWriter, type SightingWriterOptions } from "./sighting_writer.ts";
import { createTraceOrders, type TraceOrders } from "./trace_orders.ts";

export interface Telemetry extends AsyncDisposable {
  readonly counters: Counters;
  readonly plugins: PluginMeter;
  readonly intake: IntakeMeter;
  readonly observer: SightingWriter;
  readonly traces: TraceOrders;
  /** Every count since the start and every present state, by subject. */
  read(): Promise<Map<string, Point>>;
  /** Stores what was observed up to now. */
  flush(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TelemetryOptions {
  store: Pick<Store, "series" | "problems" | "sightings" | "settings">;
  now: () => number;
  plugins(): PluginView[];
  consumers(): Promise<ConsumerStatus[]>;
  onError(message: string): void;
  onSighting?: SightingWriterOptions["onSighting"];
}

/**
 * Failures and single events are stored this often, because someone who is trying something out wants to see the
 * result.
 */
const WRITE_EVERY_MS = 1000;

export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { store, now, onError, onSighting } = options;
  const counters = createCounters();
  const problems = createProblemWriter(store.problems, now, onError);
  const traces = createTraceOrders({ settings: store.settings, now });
  const observer = createSightingWriter({
    store: store.sightings,
    orders: traces,
    now,
    onError,
    ...(onSighting && { onSighting }),
  });

  async function read(): Promise<Map<string, Point>> {
    const points = counters.read();
    const add = (subject: string, point: Point) => points.set(subject, { ...points.get(subject), ...point });
    for (const { config, status } of options.plugins()) {
      const { cpuMs, memoryBytes } = status;
      if (cpuMs > 0) add(`plugin:${config.id}`, { cpu_ms: cpuMs, memory_bytes: memoryBytes ?? 0 });
    }
    for (const { id, lag } of await options.consumers()) {
      add(`consumer:${id}`, { lag_events: lag.events, lag_seconds: Math.round(lag.seconds) });
    }
    return points;
  }

  const recorder = createRecorder({ series: store.series, run: crypto.randomUUID(), now, read, onError });
  const write = () => Promise.all([problems.flush(), observer.flush()]);
  const timer = setInterval(() => void write(), WRITE_EVERY_MS);

  async function flush(): Promise<void> {
    await Promise.all([recorder.flush(), write()]);
  }

  return {
    counters,
    plugins: { ...counters.plugins, failed: problems.error },
    intake: {
      ...counters.intake,
      refused(project, code, detail) {
        counters.intake.refused(project, code, detail);
        // A request without a project's token can come from anybody, so its warnings are not stored.
        if (project !== null) problems.warning(project, code, detail);
      },
      repaired(project, code, detail) {
        counters.intake.repaired(project, code, detail);
        problems.warning(project, code, detail);
      },
    },
    observer,
    traces,
    read,
    flush,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await recorder[Symbol.asyncDispose]();
      await write();
    },
  };
}
