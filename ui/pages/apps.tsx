/// <reference lib="dom" />
/**
 * All apps in the order of the chain, with those that have problems first.
 * @module
 */

import { useState } from "preact/hooks";
import { call } from "../lib/api.ts";
import { Action, Ago, canEdit, Figure, Sparkline, Waiting } from "../lib/parts.tsx";
import type { App, List, Project, Series, SeriesAnswer, StoredEvent, Totals } from "../lib/shapes.ts";
import { useAttempt } from "../lib/use_attempt.ts";
import { useData, useWhole } from "../lib/use_data.ts";

/** How many subjects each request about all apps may name. */
const SUBJECTS = 150;

const BROKEN = new Set(["disabled", "restarting", "retrying_setup"]);

function isBroken(app: App): boolean {
  return app.enabled && BROKEN.has(app.state);
}

export function Apps() {
  const apps = useWhole<App>("plugin_configs?limit=100", ["states"]);
  const projects = useWhole<Project>("projects");
  const totals = useWhole<Totals>(`metrics/totals?subject=plugin:*&field=in,dropped,failed,p95_ms&limit=${SUBJECTS}`, [
    "counters",
  ]);
  const series = useWhole<Series, SeriesAnswer>(
    `metrics/series?subject=plugin:*&field=in&points=40&limit=${SUBJECTS}`,
    ["counters"],
  );
  const [wanted, setWanted] = useState("");
  if (!apps.data || !projects.data) return <Waiting error={apps.error ?? projects.error} />;
  const all = apps.data.results;
  const troubled = all.filter(isBroken).length;
  return (
    <>
      <div class="row title">
        <h1>Apps</h1>
        {troubled > 0 && <span class="bad">{troubled} with a problem</span>}
        <input
          type="search"
          aria-label="Filter by name"
          placeholder="Filter"
          onInput={(event) => setWanted(event.currentTarget.value.toLowerCase())}
        />
        {canEdit() && <a class="button" href="#/install">Install an app</a>}
      </div>
      {projects.data.results.map((project) => {
        const chain = all.filter((app) => app.team_id === project.id).sort((a, b) => a.order - b.order || a.id - b.id);
        const shown = chain.filter((app) => app.name.toLowerCase().includes(wanted));
        shown.sort((a, b) => Number(isBroken(b)) - Number(isBroken(a)));
        return (
          <section key={project.id} aria-label={project.name}>
            <h2>{project.name}</h2>
            {shown.map((app) => (
              <AppRow
                key={app.id}
                app={app}
                chain={chain}
                totals={totals.data?.results ?? []}
                series={series.data?.results ?? []}
                onChange={apps.again}
              />
            ))}
            {chain.length === 0 && <p class="soft">This project has no apps yet.</p>}
            <FirstEvent project={project} />
          </section>
        );
      })}
    </>
  );
}

interface RowProps {
  app: App;
  /** The apps of the project in their order. */
  chain: App[];
  totals: Totals[];
  series: Series[];
  onChange(): void;
}

function AppRow({ app, chain, totals, series, onChange }: RowProps) {
  const isOwn = ({ subject }: { subject: string }) => subject.startsWith(`plugin:${app.id}/`);
  const own = totals.filter(isOwn).map(({ fields }) => fields);
  const sum = (name: string) => own.reduce((total, fields) => total + (fields[name] ?? 0), 0).toLocaleString();
  const p95 = own.map((fields) => fields["p95_ms"]).filter((value) => typeof value === "number");
  const lines = series.filter(isOwn).map(({ fields }) => fields["in"] ?? []);
  const line = (lines[0] ?? []).map((_, at) => lines.reduce((total, each) => total + (each[at] ?? 0), 0));
  const state = app.enabled ? app.state : "off";
  return (
    <article class="card app">
      <div>
        <h3>
          <a href={`#/apps/${app.id}`}>{app.name}</a>
          <span class={`state ${state}`}>{state.replaceAll("_", " ")}</span>
        </h3>
        <p>{app.does.join("; ") || app.description}</p>
        {app.reason && <p class={app.state === "stopped" ? "soft" : "bad"}>{app.reason}</p>}
      </div>
      <Sparkline values={line} label={`Events in over the last hour, ${sum("in")} in all`} />
      <Figure label="in, 1 h">{sum("in")}</Figure>
      <Figure label="dropped">{sum("dropped")}</Figure>
      <Figure label="failed">{sum("failed")}</Figure>
      <Figure label="p95">{p95.length > 0 ? `${Math.max(...p95).toFixed(1)} ms` : "–"}</Figure>
      <Figure label="memory">
        {app.memory_bytes === null ? "–" : `${Math.round(app.memory_bytes / 1_048_576)} MB`}
      </Figure>
      <div class="controls">
        {app.managed_by === "file" ? <span class="soft" title="Change it in the configuration file">by file</span> : (
          <>
            <Action
              method="PATCH"
              path={`plugin_configs/${app.id}`}
              body={{ enabled: !app.enabled }}
              version={app.version}
              label={`Turn ${app.enabled ? "off" : "on"} ${app.name}`}
              onDone={onChange}
            >
              {app.enabled ? "Turn off" : "Turn on"}
            </Action>
            <Order app={app} chain={chain} onChange={onChange} />
          </>
        )}
      </div>
    </article>
  );
}

/** The type of the dragged data, which is the app's id. */
const DRAGGED = "application/x-hogpen-app";

/** Moves the app by one place, or to where it is dropped, among those apps of the project that the page may reorder. */
function Order({ app, chain, onChange }: Pick<RowProps, "app" | "chain" | "onChange">) {
  const { problem, attempt } = useAttempt();
  const movable = chain.filter(({ managed_by }) => managed_by === "api");
  const at = movable.indexOf(app);
  if (!canEdit() || movable.length < 2) return null;
  const move = (from: number, to: number) =>
    attempt(async () => {
      const ids = movable.map(({ id }) => id);
      ids.splice(to, 0, ...ids.splice(from, 1));
      await call("POST", `projects/${app.team_id}/order`, { plugin_configs: ids });
      onChange();
    });
  const drop = (event: DragEvent) => {
    event.preventDefault();
    const dropped = movable.findIndex(({ id }) => String(id) === event.dataTransfer?.getData(DRAGGED));
    if (dropped !== -1 && dropped !== at) move(dropped, at);
  };
  return (
    <span class="order" onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      <span
        class="handle"
        draggable
        title="Drag onto another app to take its place"
        aria-hidden="true"
        onDragStart={(event) => event.dataTransfer?.setData(DRAGGED, String(app.id))}
      >
        ⠿
      </span>
      <button type="button" aria-label={`Move ${app.name} up`} disabled={at === 0} onClick={() => move(at, at - 1)}>
        ↑
      </button>
      <button
        type="button"
        aria-label={`Move ${app.name} down`}
        disabled={at === movable.length - 1}
        onClick={() => move(at, at + 1)}
      >
        ↓
      </button>
      {problem && <span role="alert" class="bad">{problem}</span>}
    </span>
  );
}

/** The newest event, or instructions for sending the first one. */
function FirstEvent({ project }: { project: Project }) {
  const { data } = useData<List<StoredEvent>>(`events?team_id=${project.id}&limit=1`, ["counters"]);
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
      <pre tabIndex={0}>{`curl ${location.origin}/capture -H 'content-type: application/json' -d '${body}'`}</pre>
    </div>
  );
}
