/// <reference lib="dom" />
/**
 * All apps in the order of the chain, those with problems first.
 * @module
 */

import { useState } from "preact/hooks";
import { call } from "../api.ts";
import { Ago, CAN_EDIT, Figure, Waiting } from "../parts.tsx";
import type { App, List, Project, StoredEvent, Totals } from "../shapes.ts";
import { useData } from "../use_data.ts";

const BROKEN = new Set(["disabled", "restarting", "failed"]);

export function Apps() {
  const apps = useData<List<App>>("plugin_configs");
  const projects = useData<List<Project>>("projects", 30);
  const totals = useData<List<Totals>>("metrics/totals?subject=plugin:*");
  if (!apps.data || !projects.data) return <Waiting error={apps.error ?? projects.error} />;
  const broken = (app: App) => app.enabled && BROKEN.has(app.state) ? 0 : 1;
  return (
    <>
      <h1>Apps</h1>
      {projects.data.results.map((project) => {
        const own = apps.data?.results.filter((app) => app.team_id === project.id) ?? [];
        own.sort((a, b) => broken(a) - broken(b) || a.order - b.order);
        return (
          <section key={project.id} aria-label={project.name}>
            <h2>{project.name}</h2>
            {own.map((app) => (
              <AppRow key={app.id} app={app} totals={totals.data?.results ?? []} onChange={apps.again} />
            ))}
            {own.length === 0 && <p class="soft">This project has no apps yet.</p>}
            <FirstEvent project={project} />
          </section>
        );
      })}
    </>
  );
}

function AppRow({ app, totals, onChange }: { app: App; totals: Totals[]; onChange(): void }) {
  const [problem, setProblem] = useState("");
  const own = totals.filter(({ subject }) => subject.startsWith(`plugin:${app.id}/`)).map(({ fields }) => fields);
  const sum = (name: string) => own.reduce((total, fields) => total + (fields[name] ?? 0), 0).toLocaleString();
  const p95 = own.map((fields) => fields["p95_ms"]).filter((value) => typeof value === "number");
  async function change() {
    try {
      await call("PATCH", `plugin_configs/${app.id}`, { enabled: !app.enabled }, app.version);
      setProblem("");
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    onChange();
  }
  const state = app.enabled ? app.state : "off";
  return (
    <article class="card app">
      <div>
        <h2>
          <a href={`#/apps/${app.id}`}>{app.name}</a>
          <span class={`state ${state}`}>{state}</span>
        </h2>
        <p>{app.does.join("; ") || app.description}</p>
        {app.reason && <p class="bad">{app.reason}</p>}
        {problem && <p role="alert" class="bad">{problem}</p>}
      </div>
      <Figure label="in, 1 h">{sum("in")}</Figure>
      <Figure label="dropped">{sum("dropped")}</Figure>
      <Figure label="failed">{sum("failed")}</Figure>
      <Figure label="p95">{p95.length > 0 ? `${Math.max(...p95).toFixed(1)} ms` : "–"}</Figure>
      <Figure label="memory">
        {app.memory_bytes === null ? "–" : `${Math.round(app.memory_bytes / 1_048_576)} MB`}
      </Figure>
      <div>
        {app.managed_by === "file"
          ? <span class="soft" title="Change it in the configuration file">by file</span>
          : CAN_EDIT && (
            <button type="button" aria-label={`Switch ${app.name} ${app.enabled ? "off" : "on"}`} onClick={change}>
              {app.enabled ? "Turn off" : "Turn on"}
            </button>
          )}
      </div>
    </article>
  );
}

/** The newest event, or the way to send the first. */
function FirstEvent({ project }: { project: Project }) {
  const { data } = useData<List<StoredEvent>>(`events?team_id=${project.id}&limit=1`);
  const [newest] = data?.results ?? [];
  if (!data) return null;
  if (newest) {
    return (
      <p class="soft">
        The newest event is {newest.event}, <Ago time={newest.taken_at} />. <a href="#/events">See the events</a>
      </p>
    );
  }
  const body = JSON.stringify({ api_key: project.token, event: "hello", distinct_id: "me" });
  return (
    <div class="card">
      No event has come yet. Send one:
      <pre>{`curl ${location.origin}/capture -H 'content-type: application/json' -d '${body}'`}</pre>
    </div>
  );
}
