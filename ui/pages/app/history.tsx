/// <reference lib="dom" />
/**
 * An app before each of its changes, with a way back, and the upgrade to a newer source.
 * @module
 */

import { useState } from "preact/hooks";
import { call } from "../../lib/api.ts";
import { Action, Ago, canEdit, type Change, Changes, SameByApi, Waiting } from "../../lib/parts.tsx";
import type { App } from "../../lib/shapes.ts";
import { useAttempt } from "../../lib/use_attempt.ts";
import { useWhole } from "../../lib/use_data.ts";
import { type Inspected, type Source, SourceInput, WhatItCanDo } from "../install.tsx";

interface Revision {
  version: number;
  until: string;
  changed_by: string;
  source: string;
  enabled: boolean;
  config: Record<string, unknown>;
}

export function History({ app, onChange }: { app: App; onChange(): void }) {
  const isOwn = app.managed_by === "api";
  const { data, error, again } = useWhole<Revision>(isOwn ? `plugin_configs/${app.id}/revisions` : null, [
    "states",
  ]);
  if (!isOwn) return <p class="soft">This app stands in the configuration file; its history is that of the file.</p>;
  const changed = () => {
    again();
    onChange();
  };
  return (
    <>
      {canEdit() && <Upgrade app={app} onDone={changed} />}
      <h2>Before</h2>
      {!data ? <Waiting error={error} /> : data.results.map((revision) => (
        <details key={revision.version} class="card">
          <summary>
            Version {revision.version}, until {revision.changed_by} changed it <Ago time={revision.until} />
          </summary>
          <p>What going back would change:</p>
          <Changes changes={wayBack(app, revision)} />
          <Action
            method="POST"
            path={`plugin_configs/${app.id}/roll_back`}
            body={{ version: revision.version }}
            version={app.version}
            onDone={changed}
          >
            Go back to version {revision.version}
          </Action>
        </details>
      ))}
      {data?.results.length === 0 && <p class="soft">It was not changed since it was installed.</p>}
    </>
  );
}

function wayBack(app: App, revision: Revision): Change[] {
  const before: Record<string, unknown> = { source: app.source, enabled: app.enabled };
  const after: Record<string, unknown> = { source: revision.source, enabled: revision.enabled };
  for (const [key, value] of Object.entries(app.config)) before[`config.${key}`] = value;
  for (const [key, value] of Object.entries(revision.config)) after[`config.${key}`] = value;
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((path) => JSON.stringify(before[path]) !== JSON.stringify(after[path]))
    .map((path) => ({ path, before: before[path], after: after[path] }));
}

/** A new source for the app, compared with the present one before it takes its place. */
function Upgrade({ app, onDone }: { app: App; onDone(): void }) {
  const [source, setSource] = useState<Source | null>(null);
  const [found, setFound] = useState<Inspected | null>(null);
  const { problem, busy, attempt } = useAttempt();
  const look = (chosen: Source) =>
    attempt(async () => {
      setSource(chosen);
      setFound(await call<Inspected>("POST", "sources/inspect", { source: chosen, compare_to: app.id }));
    });
  const take = () =>
    attempt(async () => {
      await call("PATCH", `plugin_configs/${app.id}`, { source }, app.version);
      setFound(null);
      onDone();
    });
  return (
    <details class="card">
      <summary>Take another source</summary>
      <SourceInput busy={busy} onChosen={look} />
      {problem && <p role="alert" class="bad">{problem}</p>}
      {found && (
        <>
          <WhatItCanDo found={found} />
          {found.changes.map(({ path, before, after }) => (
            <details key={path}>
              <summary>{path}: {before === null ? "new" : after === null ? "gone" : "changed"}</summary>
              <div class="columns">
                <pre tabIndex={0} aria-label="Now">{before}</pre>
                <pre tabIndex={0} aria-label="Then">{after}</pre>
              </div>
            </details>
          ))}
          {found.error === null && (
            <div class="row">
              <button type="button" class="main" disabled={busy} onClick={take}>Take it</button>
              <SameByApi method="PATCH" path={`plugin_configs/${app.id}`} body={{ source }} />
            </div>
          )}
        </>
      )}
    </details>
  );
}
