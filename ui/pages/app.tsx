/// <reference lib="dom" />
/**
 * One app: its settings, its errors and its log.
 * @module
 */

import { useState } from "preact/hooks";
import { call, RequestError } from "../api.ts";
import { Ago, CAN_EDIT, Waiting } from "../parts.tsx";
import type { App, Field, List } from "../shapes.ts";
import { useData } from "../use_data.ts";
import { TryIt } from "./try_it.tsx";

interface LogEntry {
  id: string;
  timestamp: string;
  type: string;
  message: string;
}
interface Problem {
  fingerprint: string;
  place: string;
  message: string;
  count: number;
  last_at: string;
}

export function AppPage({ id }: { id: string }) {
  const { data: app, error, again } = useData<App>(`plugin_configs/${id}`);
  if (!app) return <Waiting error={error} />;
  return (
    <>
      <p>
        <a href="#/apps">Apps</a>
      </p>
      <h1>
        {app.name} <span class={`state ${app.state}`}>{app.enabled ? app.state : "off"}</span>
      </h1>
      <p>{app.description}</p>
      <p class="soft">{app.does.join("; ")}</p>
      {app.reason && <p class="bad">{app.reason}</p>}
      <h2>Settings</h2>
      <Form key={app.id} app={app} onSaved={again} />
      <h2>Try it</h2>
      <TryIt key={app.id} id={app.id} />
      <h2>Errors</h2>
      <Errors id={app.id} />
      <h2>Log</h2>
      <Log id={app.id} />
    </>
  );
}

/** It keeps the version that it was opened with, so that a change of somebody else is not overwritten. */
function Form({ app, onSaved }: { app: App; onSaved(): void }) {
  const [base, setBase] = useState(app);
  const [edits, setEdits] = useState<Record<string, unknown>>({});
  const [said, setSaid] = useState("");
  const fixed = app.managed_by === "file" || !CAN_EDIT;
  async function save(event: Event) {
    event.preventDefault();
    try {
      const config = { ...base.config, ...edits };
      const saved = await call<App>("PATCH", `plugin_configs/${app.id}`, { config }, base.version);
      setBase(saved);
      setEdits({});
      setSaid("Saved.");
      onSaved();
    } catch (error) {
      const isStale = error instanceof RequestError && error.status === 412;
      const words = error instanceof Error ? error.message : String(error);
      setSaid(isStale ? `Somebody changed it meanwhile; nothing was overwritten. ${words}` : words);
    }
  }
  const fields = base.config_schema.filter((field) => field.key !== undefined);
  return (
    <form class="card" onSubmit={save}>
      {app.managed_by === "file" && <p class="soft">It stands in the configuration file and is changed there.</p>}
      {fields.length === 0 && <p class="soft">This app has no settings.</p>}
      {fields.map((field) => (
        <FieldInput
          key={field.key}
          field={field}
          value={edits[field.key ?? ""] ?? base.config[field.key ?? ""]}
          isSet={base.secrets_set.includes(field.key ?? "")}
          fixed={fixed}
          onChange={(value) => setEdits({ ...edits, [field.key ?? ""]: value })}
        />
      ))}
      {!fixed && fields.length > 0 && (
        <div class="row">
          <button type="submit" class="main" disabled={Object.keys(edits).length === 0}>Save</button>
          {base.version !== app.version && (
            <button
              type="button"
              onClick={() => {
                setBase(app);
                setEdits({});
                setSaid("");
              }}
            >
              Load what it is now
            </button>
          )}
        </div>
      )}
      <p role="status">{said}</p>
    </form>
  );
}

interface FieldProps {
  field: Field;
  value: unknown;
  isSet: boolean;
  fixed: boolean;
  onChange(value: unknown): void;
}

function FieldInput({ field, value, isSet, fixed, onChange }: FieldProps) {
  const id = `field-${field.key}`;
  const isSecret = field.secret === true || isSet;
  // What is set is never shown, and an untouched field keeps it.
  const [typed, setTyped] = useState("");
  const text = isSecret ? typed : typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
  const change = (event: { currentTarget: { value: string } }) => {
    setTyped(event.currentTarget.value);
    onChange(event.currentTarget.value);
  };
  const common = { id, disabled: fixed, value: text, "aria-describedby": `${id}-hint` };
  return (
    <div>
      <label for={id}>{field.name ?? field.key}{field.required && " (required)"}</label>
      {field.type === "choice"
        ? (
          <select {...common} onChange={change}>
            {(field.choices ?? []).map((choice) => <option key={choice}>{choice}</option>)}
          </select>
        )
        : field.type === "json"
        ? <textarea {...common} onInput={change} />
        : isSecret
        ? (
          <input
            {...common}
            type="password"
            autocomplete="off"
            placeholder={isSet ? "Set; type to replace" : ""}
            onInput={change}
          />
        )
        : <input {...common} type="text" autocomplete="off" onInput={change} />}
      <div id={`${id}-hint`} class="soft">{field.hint}</div>
    </div>
  );
}

function Errors({ id }: { id: number }) {
  const { data, error } = useData<List<Problem>>(`errors?plugin_config_id=${id}`);
  if (!data) return <Waiting error={error} />;
  if (data.results.length === 0) return <p class="soft">Nothing has failed.</p>;
  return (
    <div class="card">
      {data.results.map(({ fingerprint, place, message, count, last_at }) => (
        <p key={fingerprint}>
          <strong>{count} ×</strong> {place}: {message} <Ago time={last_at} />
        </p>
      ))}
    </div>
  );
}

function Log({ id }: { id: number }) {
  const [search, setSearch] = useState("");
  const { data, error } = useData<List<LogEntry>>(
    `plugin_configs/${id}/logs?limit=200&search=${encodeURIComponent(search)}`,
    2,
  );
  return (
    <>
      <input
        aria-label="Search the log"
        placeholder="Search"
        onInput={(event) => setSearch(event.currentTarget.value)}
      />
      {!data ? <Waiting error={error} /> : data.results.length === 0 ? <p class="soft">No lines.</p> : (
        <pre
          tabIndex={0}
        >{data.results.map((line) => `${line.timestamp} ${line.type} ${line.message}`).join("\n")}</pre>
      )}
    </>
  );
}
