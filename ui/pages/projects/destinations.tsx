/// <reference lib="dom" />
/**
 * The destinations of a project's events: PostHog, Postgres, a webhook or a file.
 * @module
 */

import { useState } from "preact/hooks";
import { call, isStale, wordsOf } from "../../lib/api.ts";
import { CodeEditor } from "../../lib/code_editor.tsx";
import { Action, canEdit, SameByApi, Waiting } from "../../lib/parts.tsx";
import type { Destination, Project } from "../../lib/shapes.ts";
import { submitted, useAttempt } from "../../lib/use_attempt.ts";
import { useWhole } from "../../lib/use_data.ts";

interface Option {
  key: string;
  label: string;
  placeholder?: string;
  isSecret?: true;
  /** The project's PostHog upstream supplies this option. */
  isInherited?: true;
}

/** The options that each type requires. All others have defaults. */
const TYPES: Record<string, { title: string; options: Option[] }> = {
  posthog: {
    title: "PostHog",
    options: [
      { key: "host", label: "Address", placeholder: "https://eu.i.posthog.com", isInherited: true },
      { key: "api_key", label: "Project API key", placeholder: "phc_…", isInherited: true },
    ],
  },
  webhook: {
    title: "Webhook",
    options: [
      { key: "url", label: "Address", placeholder: "https://…" },
      { key: "secret", label: "Secret it is signed with", placeholder: "whsec_…", isSecret: true },
    ],
  },
  postgres: {
    title: "Postgres",
    options: [
      { key: "url", label: "Address", placeholder: "postgres://user:password@host:5432/database", isSecret: true },
    ],
  },
  ndjson: {
    title: "File",
    options: [{ key: "path", label: "Path on the service's machine", placeholder: "events.ndjson" }],
  },
};

export function Destinations({ project }: { project: Project }) {
  const path = `projects/${project.id}/destinations`;
  const { data, error, again } = useWhole<Destination>(path);
  return (
    <>
      <h3>Destinations</h3>
      {!data
        ? <Waiting error={error} />
        : data.results.length === 0
        ? <p class="soft">Events of this project go nowhere yet; they are kept in the event log for a while.</p>
        : data.results.map((each) => <DestinationRow key={each.id} destination={each} path={path} onChange={again} />)}
      {canEdit() && <NewDestination project={project} path={path} onMade={again} />}
    </>
  );
}

function DestinationRow(
  { destination, path, onChange }: { destination: Destination; path: string; onChange(): void },
) {
  const { id, type, target, enabled, managed_by, version } = destination;
  const own = `${path}/${id}`;
  return (
    <article class="row">
      <strong>{id}</strong>
      <span class={`state ${enabled ? "running" : "off"}`}>{enabled ? "on" : "off"}</span>
      <span class="soft">{TYPES[type]?.title ?? type}: {target}</span>
      {managed_by === "file" ? <span class="soft">by file</span> : (
        <>
          <Action
            method="PATCH"
            path={own}
            body={{ enabled: !enabled }}
            version={version}
            label={`Turn ${enabled ? "off" : "on"} ${id}`}
            onDone={onChange}
          >
            {enabled ? "Turn off" : "Turn on"}
          </Action>
          <Action
            method="DELETE"
            path={own}
            version={version}
            label={`Delete ${id}`}
            confirm={`Delete ${id}? Its place in the events is forgotten.`}
            onDone={onChange}
          >
            Delete
          </Action>
          {canEdit() && <Options destination={destination} path={own} onChange={onChange} />}
        </>
      )}
    </article>
  );
}

/** All options as JSON. A secret's placeholder keeps the stored value. */
function Options({ destination, path, onChange }: { destination: Destination; path: string; onChange(): void }) {
  const [text, setText] = useState(() => JSON.stringify(destination.options, null, 2));
  const [said, setSaid] = useState("");
  async function save() {
    try {
      await call("PATCH", path, JSON.parse(text), destination.version);
      setSaid("Saved.");
      onChange();
    } catch (error) {
      setSaid(isStale(error) ? "Somebody changed it meanwhile; nothing was overwritten." : wordsOf(error));
    }
  }
  return (
    <details class="wide">
      <summary>Options</summary>
      <CodeEditor label={`Options of ${destination.id}`} language="json" value={text} onChange={setText} />
      <div class="row">
        <button type="button" onClick={save}>Save</button>
        <span role="status">{said}</span>
      </div>
    </details>
  );
}

function NewDestination({ project, path, onMade }: { project: Project; path: string; onMade(): void }) {
  const [type, setType] = useState("posthog");
  const [id, setId] = useState("");
  const [given, setGiven] = useState<Record<string, string>>({});
  const attempts = useAttempt();
  const options = (TYPES[type]?.options ?? []).filter(({ isInherited }) => !isInherited || project.upstream === null);
  const values = Object.fromEntries(options.map(({ key }) => [key, given[key] ?? ""]).filter(([, value]) => value));
  const save = submitted(attempts, async () => {
    await call("POST", path, { id, type, ...values });
    setId("");
    setGiven({});
    onMade();
  });
  const shown = Object.fromEntries(options.map(({ key, isSecret }) => [key, isSecret ? "…" : values[key] ?? ""]));
  return (
    <details>
      <summary>Add a destination</summary>
      <form onSubmit={save}>
        <label class="field">
          Kind
          <select value={type} onChange={(event) => setType(event.currentTarget.value)}>
            {Object.entries(TYPES).map(([each, { title }]) => <option key={each} value={each}>{title}</option>)}
          </select>
        </label>
        <label class="field">
          Name
          <input required placeholder="warehouse" value={id} onInput={(event) => setId(event.currentTarget.value)} />
        </label>
        {options.map(({ key, label, placeholder = "", isSecret }) => {
          const common = {
            required: true,
            autocomplete: "off" as const,
            placeholder,
            value: given[key] ?? "",
            onInput: (event: { currentTarget: HTMLInputElement }) =>
              setGiven({ ...given, [key]: event.currentTarget.value }),
          };
          return (
            <label key={key} class="field">
              {label}
              {isSecret ? <input type="password" {...common} /> : <input type="text" {...common} />}
            </label>
          );
        })}
        {type === "posthog" && project.upstream !== null && (
          <p class="soft">Address and key are those of the PostHog behind the project.</p>
        )}
        <div class="row">
          <button type="submit">Add</button>
          <SameByApi method="POST" path={path} body={{ id, type, ...shown }} />
          {attempts.problem && <span role="alert" class="bad">{attempts.problem}</span>}
        </div>
      </form>
    </details>
  );
}
