/// <reference lib="dom" />
/**
 * Installs an app from an address, from an archive, or from code written here. What it can do is shown before it runs.
 * @module
 */

import { useState } from "preact/hooks";
import { CodeEditor } from "../lib/code_editor.tsx";
import { call, upload } from "../lib/api.ts";
import { canEdit, SameByApi, Waiting } from "../lib/parts.tsx";
import type { App, Field, Project } from "../lib/shapes.ts";
import { useAttempt } from "../lib/use_attempt.ts";
import { useWhole } from "../lib/use_data.ts";

export type Source = { url: string } | { inline: string; name?: string } | { upload: string };

export interface Inspected {
  name: string | null;
  description: string | null;
  does: string[];
  config_schema: Field[];
  public_jobs: Record<string, unknown>;
  schedule: Record<string, string>;
  error: { name: string; message: string; stack?: string } | null;
  files: string[];
  changes: { path: string; before: string | null; after: string | null }[];
}

const EXAMPLE = `export function processEvent(event, meta) {
  event.properties.hello = "world"
  return event
}`;

export function Install() {
  const projects = useWhole<Project>("projects");
  const [project, setProject] = useState<number | null>(null);
  const [source, setSource] = useState<Source | null>(null);
  const [found, setFound] = useState<Inspected | null>(null);
  const { problem, busy, attempt } = useAttempt();
  if (!projects.data) return <Waiting error={projects.error} />;
  if (!canEdit()) {
    return (
      <>
        <h1>Install an app</h1>
        <p>This session may only look.</p>
      </>
    );
  }
  const team = project ?? projects.data.results[0]?.id;
  const plugin = { team_id: team, source, enabled: false };

  const inspect = (chosen: Source) =>
    attempt(async () => {
      setFound(null);
      setSource(chosen);
      setFound(await call<Inspected>("POST", "sources/inspect", { source: chosen }));
    });
  const install = () =>
    attempt(async () => {
      const made = await call<App>("POST", "plugin_configs", plugin);
      location.hash = `#/apps/${made.id}`;
    });
  return (
    <>
      <h1>Install an app</h1>
      <SourceInput busy={busy} onChosen={inspect} />
      <div role="status">
        {busy && <p class="soft">Reading it…</p>}
        {problem && <p role="alert" class="bad">{problem}</p>}
      </div>
      {found && (
        <section class="card" aria-label="What it can do">
          <h2>{found.name ?? "Without a name"}</h2>
          <WhatItCanDo found={found} />
          {found.error === null && (
            <div class="row">
              <label for="project">Project</label>
              <select
                id="project"
                value={team}
                onChange={(event) => setProject(Number(event.currentTarget.value))}
              >
                {projects.data.results.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
              </select>
              <button type="button" class="main" disabled={busy} onClick={install}>Install, switched off</button>
              <SameByApi method="POST" path="plugin_configs" body={plugin} />
            </div>
          )}
        </section>
      )}
    </>
  );
}

/** An address, an archive or code, whichever was entered last. */
export function SourceInput({ busy, onChosen }: { busy: boolean; onChosen(source: Source): void }) {
  const [url, setUrl] = useState("");
  const [name, setName] = useState("My app");
  const [code, setCode] = useState(EXAMPLE);
  const { problem, attempt } = useAttempt();
  const send = (file: File | undefined) =>
    attempt(async () => {
      if (file === undefined) return;
      const { upload: id } = await upload<{ upload: string }>("POST", "uploads", file);
      onChosen({ upload: id });
    });
  const submit = (event: Event, source: Source) => {
    event.preventDefault();
    onChosen(source);
  };
  return (
    <div class="columns">
      <form class="card" onSubmit={(event) => submit(event, { url })}>
        <label for="url">From an address</label>
        <input
          id="url"
          required
          placeholder="https://github.com/PostHog/posthog-url-normalizer-plugin"
          onInput={(event) => setUrl(event.currentTarget.value)}
        />
        <p class="soft">GitHub, GitLab or npm; a branch, tag or commit may follow.</p>
        <button type="submit" disabled={busy}>Look at it</button>
      </form>
      <div class="card">
        <label for="archive">From an archive</label>
        <input
          id="archive"
          type="file"
          accept=".zip,.tgz,.tar.gz,application/zip,application/gzip"
          disabled={busy}
          onChange={(event) => send(event.currentTarget.files?.[0])}
        />
        <p class="soft">A .zip or .tgz of the app's folder.</p>
        {problem && <p role="alert" class="bad">{problem}</p>}
      </div>
      <form class="card wide" onSubmit={(event) => submit(event, { inline: code, name })}>
        <h3>Written here</h3>
        <CodeEditor label="Written here" language="javascript" value={code} onChange={setCode} />
        <div class="row">
          <label for="name">Name</label>
          <input id="name" value={name} onInput={(event) => setName(event.currentTarget.value)} />
          <button type="submit" disabled={busy}>Look at it</button>
        </div>
      </form>
    </div>
  );
}

/** What the service found in the source without running it on an event. */
export function WhatItCanDo({ found }: { found: Inspected }) {
  if (found.error) {
    return (
      <>
        <p class="bad">It cannot be loaded: {found.error.message}</p>
        {found.error.stack && <pre tabIndex={0}>{found.error.stack}</pre>}
      </>
    );
  }
  const asks = found.config_schema.filter(({ key }) => key !== undefined);
  return (
    <>
      {found.description && <p>{found.description}</p>}
      <ul>{found.does.map((what) => <li key={what}>{what}</li>)}</ul>
      {found.does.length === 0 && <p class="bad">It exports nothing that is called.</p>}
      {asks.length > 0 && (
        <p>
          It asks for{" "}
          {asks.map(({ key, name, required }) => `${name ?? key}${required ? " (required)" : ""}`).join(", ")}.
        </p>
      )}
      {Object.entries(found.schedule).map(([task, cron]) => <p key={task}>Runs {task} at {cron} (UTC).</p>)}
      <details>
        <summary>{found.files.length} files</summary>
        <pre tabIndex={0}>{found.files.join("\n")}</pre>
      </details>
    </>
  );
}
