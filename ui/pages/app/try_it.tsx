/// <reference lib="dom" />
/**
 * Tries an event on one app, or on the chain up to it, with copies of its data, and shows the result.
 * @module
 */

import { useState } from "preact/hooks";
import { call } from "../../lib/api.ts";
import { CodeEditor } from "../../lib/code_editor.tsx";
import { type Change, Changes, SameByApi } from "../../lib/parts.tsx";
import type { App, List, StoredEvent } from "../../lib/shapes.ts";
import { submitted, useAttempt } from "../../lib/use_attempt.ts";

interface Step {
  function: string;
  outcome: string;
  ms: number;
  diff: Change[];
  error: { name: string; message: string } | null;
  logs: { type: string; message: string }[];
  [more: string]: unknown;
}
interface DryRun {
  plugins: { plugin_config_id: number; name: string; error: { message: string } | null; steps: Step[] }[];
  events: { after: unknown; dropped_by: number | null }[];
}

const EXAMPLE = JSON.stringify({ event: "hello", distinct_id: "me", properties: {} }, null, 2);

/** What a step may have done besides changing the event, with the headings for it. */
const TRACES: Record<string, string> = {
  fetches: "Requests",
  captures: "Captured",
  jobs: "Jobs",
  storage: "Storage",
  cache: "Cache",
};

export function TryIt({ app }: { app: App }) {
  const [text, setText] = useState(EXAMPLE);
  const [config, setConfig] = useState(() => JSON.stringify(app.config, null, 2));
  const [rules, setRules] = useState("[]");
  const [chain, setChain] = useState(false);
  const [real, setReal] = useState(false);
  const [run, setRun] = useState<DryRun | null>(null);
  const attempts = useAttempt();

  /** Throws a SyntaxError if one of the texts is not valid JSON. */
  function question() {
    const isEdited = config !== JSON.stringify(app.config, null, 2);
    return {
      plugin_config_id: app.id,
      chain,
      events: [JSON.parse(text)],
      fetch: real ? "real" : JSON.parse(rules),
      ...(isEdited && { config: JSON.parse(config) }),
    };
  }
  const start = submitted(attempts, async () => {
    setRun(null);
    setRun(await call<DryRun>("POST", "dry_run", question()));
  });
  const takeNewest = () =>
    attempts.attempt(async () => {
      const { results } = await call<List<StoredEvent>>("GET", `events?team_id=${app.team_id}&limit=1&payload=true`);
      const [newest] = results;
      if (newest === undefined) throw new Error("No event has come yet.");
      setText(JSON.stringify(newest.payload, null, 2));
    });
  return (
    <form class="card" onSubmit={start}>
      <div class="columns">
        <div>
          <h3>Event</h3>
          <CodeEditor label="Event" language="json" value={text} onChange={setText} />
          <button type="button" onClick={takeNewest}>Take the newest event</button>
        </div>
        <div>
          <h3>Settings to try it with</h3>
          <CodeEditor label="Settings to try it with" language="json" value={config} onChange={setConfig} />
        </div>
      </div>
      <details>
        <summary>Requests and chain</summary>
        <label class="check">
          <input type="checkbox" checked={chain} onChange={(event) => setChain(event.currentTarget.checked)} />{" "}
          Through the apps before it too
        </label>
        <label class="check">
          <input type="checkbox" checked={real} onChange={(event) => setReal(event.currentTarget.checked)} />{" "}
          Let its requests leave
        </label>
        <h3>Answers to its requests otherwise</h3>
        <CodeEditor label="Answers to its requests otherwise" language="json" value={rules} onChange={setRules} />
        <p class="soft">
          A list of {`{"prefix": "https://…", "status": 200, "json": {}}`}; what fits no rule fails.
        </p>
      </details>
      <p class="soft">It runs in a sandbox of its own, on copies of storage and cache: nothing of it stays.</p>
      <div class="row">
        <button type="submit" class="main">Try</button>
        <SameByApi method="POST" path="dry_run" body={{ plugin_config_id: app.id, events: [] }} />
      </div>
      <div role="status">
        {attempts.problem && <p class="bad">{attempts.problem}</p>}
        {run && <Result run={run} />}
      </div>
    </form>
  );
}

function Result({ run }: { run: DryRun }) {
  const dropper = run.events.map(({ dropped_by }) => dropped_by).find((id) => id !== null);
  const name = run.plugins.find(({ plugin_config_id }) => plugin_config_id === dropper)?.name;
  return (
    <>
      {dropper !== undefined && (
        <p>
          <strong>The event would be dropped{name && ` by ${name}`}.</strong>
        </p>
      )}
      {run.plugins.map((plugin) => (
        <section key={plugin.plugin_config_id}>
          {run.plugins.length > 1 && <h3>{plugin.name}</h3>}
          {plugin.error && <p class="bad">{plugin.error.message}</p>}
          {plugin.steps.map((step, index) => <StepResult key={index} step={step} />)}
        </section>
      ))}
    </>
  );
}

function StepResult({ step }: { step: Step }) {
  return (
    <>
      <p>
        <strong>{step.function}</strong>: {step.outcome} in {step.ms.toFixed(1)} ms
      </p>
      {step.error && <p class="bad">{step.error.name}: {step.error.message}</p>}
      {step.function === "processEvent" && <Changes changes={step.diff} />}
      {Object.entries(TRACES).map(([name, title]) => {
        const done = step[name];
        if (!Array.isArray(done) || done.length === 0) return null;
        return (
          <details key={name}>
            <summary>{title} ({done.length})</summary>
            <pre tabIndex={0}>{done.map((each) => JSON.stringify(each)).join("\n")}</pre>
          </details>
        );
      })}
      {step.logs.length > 0 && (
        <pre tabIndex={0}>{step.logs.map(({ type, message }) => `${type} ${message}`).join("\n")}</pre>
      )}
    </>
  );
}
