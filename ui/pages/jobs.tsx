/// <reference lib="dom" />
/**
 * Jobs that apps have enqueued, and retries of what failed.
 * @module
 */

import { useState } from "preact/hooks";
import { Action, Ago, More, Waiting } from "../lib/parts.tsx";
import type { App, Job } from "../lib/shapes.ts";
import { useList, useWhole } from "../lib/use_data.ts";

const STATES = ["waiting", "running", "failed", "done", "cancelled"];

export function Jobs() {
  const [state, setState] = useState("");
  const [type, setType] = useState("");
  const query = new URLSearchParams({ limit: "100", total: "true", ...(state && { state }), ...(type && { type }) });
  return (
    <>
      <h1>Jobs</h1>
      <div class="row">
        <select aria-label="State" onChange={(event) => setState(event.currentTarget.value)}>
          <option value="">Any state</option>
          {STATES.map((each) => <option key={each}>{each}</option>)}
        </select>
        <input aria-label="Name" placeholder="Name" onChange={(event) => setType(event.currentTarget.value)} />
      </div>
      <JobList query={String(query)} />
    </>
  );
}

/** The jobs that match the query of `GET /jobs`. */
export function JobList({ query }: { query: string }) {
  const jobs = useList<Job>(`jobs?${query}`, ["jobs"]);
  const { data, error, again } = jobs;
  const apps = useWhole<App>("plugin_configs?limit=100");
  if (!data) return <Waiting error={error} />;
  if (data.results.length === 0) return <p class="soft">No job fits.</p>;
  const nameOf = (id: number) => apps.data?.results.find((app) => app.id === id)?.name ?? `app ${id}`;
  return (
    <div class="card scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Job</th>
            <th scope="col">App</th>
            <th scope="col">State</th>
            <th scope="col">Attempt</th>
            <th scope="col">Runs</th>
            <th scope="col">
              <span class="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {data.results.map((job) => (
            <tr key={job.id}>
              <td>
                <details>
                  <summary>{job.kind === "plugin" ? job.type : `retry of ${job.type}`}</summary>
                  <pre tabIndex={0}>{JSON.stringify(job.payload, null, 2)}</pre>
                </details>
                {job.last_error && <p class="bad">{job.last_error}</p>}
              </td>
              <td>
                <a href={`#/apps/${job.plugin_config_id}`}>{nameOf(job.plugin_config_id)}</a>
              </td>
              <td>{job.state}</td>
              <td>{job.attempt} of {job.max_attempts}</td>
              <td>
                <Ago time={job.run_at} />
              </td>
              <td>
                {(job.state === "waiting" || job.state === "failed") && (
                  <Action method="POST" path={`jobs/${job.id}/retry`} label={`Run ${job.type} now`} onDone={again}>
                    Run now
                  </Action>
                )}
                {job.state === "waiting" && (
                  <Action method="POST" path={`jobs/${job.id}/cancel`} label={`Cancel ${job.type}`} onDone={again}>
                    Cancel
                  </Action>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {typeof data.total === "number" && data.total > data.results.length && (
        <p class="soft">{data.results.length} of {data.total.toLocaleString()}</p>
      )}
      <More list={jobs} />
    </div>
  );
}
