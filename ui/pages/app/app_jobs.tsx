/// <reference lib="dom" />
/**
 * An app's scheduled tasks, the jobs that can be started by hand, and the jobs that it has enqueued.
 * @module
 */

import { useState } from "preact/hooks";
import { call, wordsOf } from "../../lib/api.ts";
import { Action, Ago, canEdit, SameByApi, Waiting } from "../../lib/parts.tsx";
import type { App, List, PublicJob } from "../../lib/shapes.ts";
import { useData } from "../../lib/use_data.ts";
import { JobList } from "../jobs.tsx";

interface Schedule {
  task: string;
  cron: string;
  next_run_at: string | null;
  last_run: { at: string; error: string | null } | null;
}

export function AppJobs({ app }: { app: App }) {
  const { data, error, again } = useData<List<Schedule>>(`plugin_configs/${app.id}/schedules`, ["jobs"]);
  return (
    <>
      <h2>At set times</h2>
      {!data
        ? <Waiting error={error} />
        : data.results.map(({ task, cron, next_run_at, last_run }) => (
          <div key={task} class="card row">
            <strong>{task}</strong> <code>{cron}</code>
            {next_run_at && (
              <span class="soft">
                next <Ago time={next_run_at} />
              </span>
            )}
            {last_run && (
              <span class={last_run.error ? "bad" : "soft"}>
                last <Ago time={last_run.at} />
                {last_run.error && `: ${last_run.error}`}
              </span>
            )}
            <Action method="POST" path={`plugin_configs/${app.id}/schedules/${task}/run`} onDone={again}>
              Run now
            </Action>
          </div>
        ))}
      {data?.results.length === 0 && <p class="soft">Nothing.</p>}
      <h2>On demand</h2>
      {Object.entries(app.public_jobs).map(([name, job]) => <JobForm key={name} app={app} name={name} job={job} />)}
      {Object.keys(app.public_jobs).length === 0 && <p class="soft">Nothing.</p>}
      <h2>Put off</h2>
      <JobList query={`plugin_config_id=${app.id}&limit=50`} />
    </>
  );
}

function JobForm({ app, name, job }: { app: App; name: string; job: PublicJob }) {
  const [values, setValues] = useState<Record<string, unknown>>({});
  const [said, setSaid] = useState("");
  const path = `plugin_configs/${app.id}/jobs/${name}`;
  async function run(event: Event) {
    event.preventDefault();
    try {
      const { id } = await call<{ id: string }>("POST", path, values);
      setSaid(`It will run now, as job ${id}.`);
    } catch (error) {
      setSaid(wordsOf(error));
    }
  }
  return (
    <form class="card" onSubmit={run}>
      <h3>{name}</h3>
      {Object.entries(job.payload).map(([key, field]) => {
        const id = `job-${name}-${key}`;
        const set = (value: unknown) => setValues({ ...values, [key]: value });
        return (
          <div key={key}>
            <label for={id}>{field.title ?? key}{field.required && " (required)"}</label>
            {field.type === "boolean"
              ? <input id={id} type="checkbox" onChange={(event) => set(event.currentTarget.checked)} />
              : field.type === "number"
              ? (
                <input
                  id={id}
                  type="number"
                  required={field.required ?? false}
                  onInput={(event) => set(Number(event.currentTarget.value))}
                />
              )
              : field.type === "date"
              ? (
                <input
                  id={id}
                  type="date"
                  required={field.required ?? false}
                  onInput={(event) => set(event.currentTarget.value)}
                />
              )
              : (
                <input
                  id={id}
                  type="text"
                  required={field.required ?? false}
                  onInput={(event) => set(event.currentTarget.value)}
                />
              )}
          </div>
        );
      })}
      {canEdit() && (
        <div class="row">
          <button type="submit">Run</button>
          <SameByApi method="POST" path={path} body={values} />
        </div>
      )}
      <p role="status">{said}</p>
    </form>
  );
}
