/// <reference lib="dom" />
/**
 * Events that passed the chain, those that were dropped, and what each app made of some of them.
 * @module
 */

import { useState } from "preact/hooks";
import { call } from "../lib/api.ts";
import { Action, Ago, canEdit, type Change, Changes, Choice, More, SameByApi, Waiting } from "../lib/parts.tsx";
import type { App, List, Project, StoredEvent } from "../lib/shapes.ts";
import { spanQuery, TimeSpan } from "../lib/time_span.tsx";
import { useAttempt } from "../lib/use_attempt.ts";
import { useData, useList, useWhole } from "../lib/use_data.ts";

interface Kept {
  id: string;
  uuid: string;
  event: string;
  distinct_id: string;
  at: string;
  plugin_config_id: number | null;
  payload: unknown;
}
interface Trace {
  id: string;
  team_id: number;
  distinct_id: string | null;
  one_in: number;
  until: string;
  chosen: number;
}
interface DryRun {
  plugins: {
    plugin_config_id: number;
    name: string;
    steps: { function: string; outcome: string; ms: number; diff: Change[]; error: { message: string } | null }[];
  }[];
}

const TABS: [string, string][] = [["passed", "Passed"], ["dropped", "Dropped"], ["traced", "Traced"]];

export function Events() {
  const projects = useWhole<Project>("projects");
  const asked = new URLSearchParams(location.hash.split("?")[1]);
  const [tab, setTab] = useState(asked.get("show") ?? "passed");
  const [project, setProject] = useState<number | null>(null);
  const [filters, setFilters] = useState<Record<string, string>>(Object.fromEntries(asked));
  if (!projects.data) return <Waiting error={projects.error} />;
  const team = project ?? projects.data.results[0]?.id;
  const query = new URLSearchParams({ team_id: String(team), payload: "true", limit: "50", ...spanQuery(filters) });
  for (const name of ["event", "distinct_id", "uuid", "property"]) {
    const value = filters[name];
    if (value) query.set(name, value);
  }
  const set = (name: string) => (event: { currentTarget: { value: string } }) =>
    setFilters({ ...filters, [name]: event.currentTarget.value });
  const filter = (name: string, words: string) => (
    <input aria-label={words} placeholder={words} value={filters[name] ?? ""} onChange={set(name)} />
  );
  return (
    <>
      <h1>Events</h1>
      <div class="row">
        <select aria-label="Project" onChange={(event) => setProject(Number(event.currentTarget.value))}>
          {projects.data.results.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
        </select>
        {filter("event", "Name")}
        {filter("distinct_id", "distinct_id")}
        {filter("uuid", "uuid")}
        {filter("property", "property=value")}
        <TimeSpan span={filters} onChange={(span) => setFilters({ ...filters, ...span })} />
      </div>
      <Choice<string> label="Which events" options={TABS} chosen={tab} onChoose={setTab} />
      {tab === "dropped"
        ? <KeptEvents path={`dropped_events?${without(query, "property")}`} none="No event was dropped." />
        : tab === "traced"
        ? <Traced team={team ?? 0} query={without(query, "property")} distinctId={filters["distinct_id"] ?? ""} />
        : <Passed team={team ?? 0} query={String(query)} />}
    </>
  );
}

function without(query: URLSearchParams, name: string): string {
  const rest = new URLSearchParams(query);
  rest.delete(name);
  return String(rest);
}

function Passed({ team, query }: { team: number; query: string }) {
  const events = useList<StoredEvent, List<StoredEvent> & { searched: number }>(`events?${query}`, ["counters"]);
  const { data, error } = events;
  if (!data) return <Waiting error={error} />;
  if (data.results.length === 0) {
    return <p class="soft">No event fits; {data.searched.toLocaleString()} were looked at.</p>;
  }
  return (
    <div class="card">
      {data.results.map((event) => (
        <details key={event.cursor}>
          <summary>
            <strong>{event.event}</strong> {event.distinct_id} <Ago time={event.taken_at} />
            {event.failed.length > 0 && <span class="bad">failed in {event.failed.join(", ")}</span>}
          </summary>
          <p class="soft">Passed {event.succeeded.join(" → ") || "no app"}</p>
          <Way team={team} uuid={event.uuid} />
          <pre tabIndex={0}>{JSON.stringify(event.payload, null, 2)}</pre>
        </details>
      ))}
      <More list={events} />
    </div>
  );
}

/** What each app makes of the event, found by running it again with copies of the apps' data. */
function Way({ team, uuid }: { team: number; uuid: string }) {
  const [run, setRun] = useState<DryRun | null>(null);
  const { problem, attempt } = useAttempt();
  const body = { team_id: team, chain: true, uuids: [uuid] };
  const start = () => attempt(async () => setRun(await call<DryRun>("POST", "dry_run", body)));
  return (
    <>
      {canEdit() && (
        <div class="row">
          <button type="button" onClick={start}>What did each app make of it?</button>
          <SameByApi method="POST" path="dry_run" body={body} />
        </div>
      )}
      {problem && <p role="alert" class="bad">{problem}</p>}
      {run?.plugins.map(({ plugin_config_id, name, steps }) =>
        steps.map((step) => (
          <section key={`${plugin_config_id} ${step.function}`}>
            <p>
              <a href={`#/apps/${plugin_config_id}`}>{name}</a> {step.outcome} in {step.ms.toFixed(1)} ms
            </p>
            {step.error && <p class="bad">{step.error.message}</p>}
            {step.diff.length > 0 && <Changes changes={step.diff} />}
          </section>
        ))
      )}
    </>
  );
}

function KeptEvents({ path, none }: { path: string; none: string }) {
  const events = useList<Kept>(path, ["counters"]);
  const { data, error } = events;
  const apps = useWhole<App>("plugin_configs?limit=100");
  if (!data) return <Waiting error={error} />;
  if (data.results.length === 0) return <p class="soft">{none}</p>;
  const nameOf = (id: number) => apps.data?.results.find((app) => app.id === id)?.name ?? `app ${id}`;
  return (
    <div class="card">
      {data.results.map((event) => (
        <details key={event.id}>
          <summary>
            <strong>{event.event}</strong> {event.distinct_id} <Ago time={event.at} />
            {event.plugin_config_id !== null && ` dropped by ${nameOf(event.plugin_config_id)}`}
          </summary>
          <pre tabIndex={0}>{JSON.stringify(event.payload, null, 2)}</pre>
        </details>
      ))}
      <More list={events} />
    </div>
  );
}

/** The recorded way of selected events through the apps. */
function Traced({ team, query, distinctId }: { team: number; query: string; distinctId: string }) {
  const { data, error, again } = useData<List<Trace>>("traces", ["traces"]);
  const [minutes, setMinutes] = useState("5");
  const body = {
    team_id: team,
    minutes: Number(minutes),
    ...(distinctId === "" ? { one_in: 100 } : { distinct_id: distinctId }),
  };
  return (
    <>
      <div class="card row">
        <span>{distinctId === "" ? "One event in 100" : `Every event of ${distinctId}`} for</span>
        <input
          class="short"
          aria-label="Minutes"
          value={minutes}
          onInput={(event) => setMinutes(event.currentTarget.value)}
        />
        <span>minutes</span>
        <Action method="POST" path="traces" body={body} onDone={again}>Trace</Action>
      </div>
      {!data ? <Waiting error={error} /> : data.results.map((trace) => (
        <p key={trace.id} class="row">
          {trace.distinct_id ?? `1 in ${trace.one_in}`}: {trace.chosen} events, ends <Ago time={trace.until} />
          <Action method="DELETE" path={`traces/${trace.id}`} onDone={again}>End</Action>
        </p>
      ))}
      <KeptEvents path={`traced_events?${query}`} none="Nothing was traced." />
    </>
  );
}
