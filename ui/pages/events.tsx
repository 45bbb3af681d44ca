/// <reference lib="dom" />
/**
 * Events that passed the chain, and those that were dropped, newest first.
 * @module
 */

import { useState } from "preact/hooks";
import { Ago, Waiting } from "../parts.tsx";
import type { List, Project, StoredEvent } from "../shapes.ts";
import { useData } from "../use_data.ts";

interface Dropped extends Omit<StoredEvent, "taken_at"> {
  id: string;
  at: string;
  plugin_config_id: number | null;
}

export function Events() {
  const projects = useData<List<Project>>("projects", 30);
  const [project, setProject] = useState<number | null>(null);
  const [name, setName] = useState("");
  const [user, setUser] = useState("");
  const id = project ?? projects.data?.results[0]?.id;
  if (!projects.data) return <Waiting error={projects.error} />;
  const query = new URLSearchParams({ team_id: String(id), payload: "true", limit: "50" });
  if (name) query.set("event", name);
  if (user) query.set("distinct_id", user);
  return (
    <>
      <h1>Events</h1>
      <div class="row">
        <select aria-label="Project" onChange={(event) => setProject(Number(event.currentTarget.value))}>
          {projects.data.results.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
        </select>
        <input aria-label="Name" placeholder="Name" onChange={(event) => setName(event.currentTarget.value)} />
        <input
          aria-label="Distinct id"
          placeholder="distinct_id"
          onChange={(event) => setUser(event.currentTarget.value)}
        />
      </div>
      <h2>Passed</h2>
      <Passed query={String(query)} />
      <h2>Dropped</h2>
      <DroppedEvents query={String(query)} />
    </>
  );
}

function Passed({ query }: { query: string }) {
  const { data, error } = useData<List<StoredEvent>>(`events?${query}`, 3);
  if (!data) return <Waiting error={error} />;
  if (data.results.length === 0) return <p class="soft">No event fits.</p>;
  return (
    <div class="card">
      {data.results.map((event) => (
        <details key={event.cursor}>
          <summary>
            <strong>{event.event}</strong> {event.distinct_id} <Ago time={event.taken_at} />
            {event.failed.length > 0 && <span class="bad">failed in {event.failed.join(", ")}</span>}
          </summary>
          <p class="soft">Passed {event.succeeded.join(" → ") || "no app"}</p>
          <pre>{JSON.stringify(event.payload, null, 2)}</pre>
        </details>
      ))}
    </div>
  );
}

function DroppedEvents({ query }: { query: string }) {
  const { data, error } = useData<List<Dropped>>(`dropped_events?${query}`);
  if (!data) return <Waiting error={error} />;
  if (data.results.length === 0) return <p class="soft">No event was dropped.</p>;
  return (
    <div class="card">
      {data.results.map((event) => (
        <details key={event.id}>
          <summary>
            <strong>{event.event}</strong> {event.distinct_id} <Ago time={event.at} /> dropped by app{" "}
            {event.plugin_config_id}
          </summary>
          <pre>{JSON.stringify(event.payload, null, 2)}</pre>
        </details>
      ))}
    </div>
  );
}
