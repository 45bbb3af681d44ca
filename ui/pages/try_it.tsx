/// <reference lib="dom" />
/**
 * An event through one app, on copies, with what became of it.
 * @module
 */

import { useState } from "preact/hooks";
import { call } from "../api.ts";

interface Step {
  function: string;
  outcome: string;
  ms: number;
  diff: { path: string; before?: unknown; after?: unknown }[];
  error: { name: string; message: string } | null;
  logs: { type: string; message: string }[];
}
interface DryRun {
  plugins: { error: { message: string } | null; steps: Step[] }[];
  events: { after: unknown; dropped_by: number | null }[];
}

const EXAMPLE = JSON.stringify({ event: "hello", distinct_id: "me", properties: {} }, null, 2);

export function TryIt({ id }: { id: number }) {
  const [text, setText] = useState(EXAMPLE);
  const [run, setRun] = useState<DryRun | null>(null);
  const [problem, setProblem] = useState("");
  async function start(event: Event) {
    event.preventDefault();
    try {
      setRun(await call<DryRun>("POST", "dry_run", { plugin_config_id: id, events: [JSON.parse(text)] }));
      setProblem("");
    } catch (error) {
      setRun(null);
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }
  return (
    <form class="card" onSubmit={start}>
      <label for="event">Event</label>
      <textarea id="event" value={text} onInput={(event) => setText(event.currentTarget.value)} />
      <p class="soft">It runs in a sandbox of its own; nothing is stored, and its requests do not leave.</p>
      <button type="submit">Try</button>
      <div role="status">
        {problem && <p class="bad">{problem}</p>}
        {run?.events.some(({ dropped_by }) => dropped_by !== null) && (
          <p>
            <strong>It would be dropped.</strong>
          </p>
        )}
        {run?.plugins.map((plugin, index) => (
          <div key={index}>
            {plugin.error && <p class="bad">{plugin.error.message}</p>}
            {plugin.steps.map((step, index) => <StepResult key={index} step={step} />)}
          </div>
        ))}
      </div>
    </form>
  );
}

function StepResult({ step }: { step: Step }) {
  const show = (value: unknown) => value === undefined ? "nothing" : JSON.stringify(value);
  return (
    <>
      <p>
        <strong>{step.function}</strong>: {step.outcome} in {step.ms.toFixed(1)} ms
      </p>
      {step.error && <p class="bad">{step.error.name}: {step.error.message}</p>}
      {step.diff.length > 0 && (
        <pre>{step.diff.map(({ path, before, after }) => `${path}: ${show(before)} → ${show(after)}`).join("\n")}</pre>
      )}
      {step.logs.length > 0 && <pre>{step.logs.map(({ type, message }) => `${type} ${message}`).join("\n")}</pre>}
    </>
  );
}
