/// <reference lib="dom" />
/**
 * What an app did over time: events, durations, processor and memory.
 * @module
 */

import { useEffect, useRef, useState } from "preact/hooks";
import { Choice, Waiting } from "../../lib/parts.tsx";
import type { SeriesAnswer } from "../../lib/shapes.ts";
import { useFresh } from "../../lib/use_data.ts";

/** In minutes. */
const SPANS: [number, string][] = [[15, "15 min"], [60, "1 h"], [360, "6 h"], [1440, "24 h"]];

interface PlotSpec {
  title: string;
  fields: string[];
  /** Events and durations are counted for each function, everything else for the process. */
  of: "functions" | "process";
  scale?: (value: number) => number;
  unit?: string;
}

const PLOTS: PlotSpec[] = [
  { title: "Events", of: "functions", fields: ["in", "out", "dropped", "failed", "timed_out", "retried"] },
  { title: "Duration", of: "functions", fields: ["p50_ms", "p95_ms", "p99_ms"], unit: "ms" },
  { title: "Memory", of: "process", fields: ["memory_bytes"], unit: "MB", scale: (bytes) => bytes / 1_048_576 },
  { title: "Processor time", of: "process", fields: ["cpu_ms"], unit: "ms" },
  { title: "Restarts", of: "process", fields: ["restarts"] },
];

export function Numbers({ id }: { id: number }) {
  const [minutes, setMinutes] = useState(60);
  const pathNow = (subject: string, of: PlotSpec["of"]) => {
    const fields = PLOTS.filter((plot) => plot.of === of).flatMap((plot) => plot.fields);
    const from = new Date(Date.now() - minutes * 60_000).toISOString();
    return `metrics/series?subject=${subject}&field=${fields}&points=120&from=${from}`;
  };
  const key = `${id} ${minutes}`;
  const functions = useFresh<SeriesAnswer>(`${key} functions`, () => pathNow(`plugin:${id}/*`, "functions"), [
    "counters",
  ]);
  const process = useFresh<SeriesAnswer>(`${key} process`, () => pathNow(`plugin:${id}`, "process"), ["counters"]);
  if (!functions.data || !process.data) return <Waiting error={functions.error ?? process.error} />;
  const answers = { functions: functions.data, process: process.data };
  return (
    <>
      <Choice<number> label="How far back" options={SPANS} chosen={minutes} onChoose={setMinutes} />
      <div class="columns">
        {PLOTS.map((spec) => <Plot key={spec.title} spec={spec} answer={answers[spec.of]} />)}
      </div>
    </>
  );
}

/** Visible on both a light and a dark background. */
const COLORS = ["#d2601a", "#2b9a58", "#858b94", "#d84a48", "#9a74d6", "#3f93d6"];

interface Line {
  name: string;
  values: (number | null)[];
}

function Plot({ spec, answer }: { spec: PlotSpec; answer: SeriesAnswer }) {
  const place = useRef<HTMLDivElement>(null);
  const { title, unit } = spec;
  const lines = linesOf(spec, answer);
  const length = lines[0]?.values.length ?? 0;
  const start = Date.parse(answer.from) / 1000;
  const times = Array.from({ length }, (_, at) => start + at * answer.every_seconds);
  const numbers: [number[], ...(number | null)[][]] = [times, ...lines.map(({ values }) => values)];
  const newest = useRef(numbers);
  newest.current = numbers;
  const plot = useRef<import("uplot") | null>(null);
  const names = lines.map(({ name }) => name).join();
  // The plot is rebuilt only if its lines change, so that zooming and hidden lines are kept.
  useEffect(() => {
    const into = place.current;
    if (into === null || length === 0) return;
    let over = false;
    // Loaded only when plots are shown.
    import("uplot").then(({ default: UPlot }) => {
      if (over) return;
      const options = {
        width: into.clientWidth,
        height: 180,
        series: [{}, ...lines.map(({ name }, at) => ({ label: name, stroke: COLORS[at % COLORS.length] ?? "" }))],
        axes: [{ stroke: "#888" }, { stroke: "#888", size: 56 }],
      };
      plot.current = new UPlot(options, newest.current, into);
    });
    return () => {
      over = true;
      plot.current?.destroy();
      plot.current = null;
    };
  }, [names]);
  useEffect(() => plot.current?.setData(numbers, !isZoomed(plot.current)), [answer]);
  const latest = lines.map(({ name, values }) => `${name} ${Math.round(values.findLast((v) => v !== null) ?? 0)}`);
  return (
    <figure class="card plot">
      <figcaption>{title}{unit && ` (${unit})`}</figcaption>
      {length === 0
        ? <p class="soft">Nothing in this time.</p>
        : <div ref={place} role="img" aria-label={`${title}, latest: ${latest.join(", ")}`} />}
    </figure>
  );
}

/** A line for each field of each function that was active. */
function linesOf({ fields, scale = (value) => value }: PlotSpec, answer: SeriesAnswer): Line[] {
  return answer.results.flatMap(({ subject, fields: found }) =>
    fields.flatMap((field) => {
      const values = found[field];
      if (values === undefined || values.every((value) => value === null || value === 0)) return [];
      const [, fn] = subject.split("/");
      const name = [fn, field.replace(/_(ms|bytes)$/, "").replaceAll("_", " ")].filter(Boolean).join(" ");
      return [{ name, values: values.map((value) => value === null ? null : scale(value)) }];
    })
  );
}

/** Whether less is shown than there is. */
function isZoomed({ data: [times], scales }: import("uplot")): boolean {
  const { min, max } = scales["x"] ?? {};
  return min != null && max != null && (min > (times[0] ?? 0) || max < (times.at(-1) ?? 0));
}
