/// <reference lib="dom" />
/**
 * One app: its settings, what it does, what went wrong, and its history.
 * @module
 */

import { useState } from "preact/hooks";
import type { ComponentChild } from "preact";
import { Action, Choice, Waiting } from "../../lib/parts.tsx";
import type { App } from "../../lib/shapes.ts";
import { useData } from "../../lib/use_data.ts";
import { Errors } from "./errors.tsx";
import { Form } from "./form.tsx";
import { History } from "./history.tsx";
import { Log } from "./log.tsx";
import { Numbers } from "./numbers.tsx";
import { AppJobs } from "./app_jobs.tsx";
import { TryIt } from "./try_it.tsx";

interface Tab {
  title: string;
  show(app: App, again: () => void): ComponentChild;
}

const TABS: Record<string, Tab> = {
  settings: { title: "Settings", show: (app, again) => <Form app={app} onSaved={again} /> },
  numbers: { title: "Numbers", show: (app) => <Numbers id={app.id} /> },
  errors: { title: "Errors", show: (app) => <Errors id={app.id} /> },
  log: { title: "Log", show: (app) => <Log id={app.id} /> },
  try: { title: "Try it", show: (app) => <TryIt app={app} /> },
  jobs: { title: "Jobs", show: (app) => <AppJobs app={app} /> },
  history: { title: "History", show: (app, again) => <History app={app} onChange={again} /> },
};

export function AppPage({ id }: { id: string }) {
  const { data: app, error, again } = useData<App>(`plugin_configs/${id}`, ["states"]);
  const [tab, setTab] = useState(() => new URLSearchParams(location.hash.split("?")[1]).get("show") ?? "settings");
  if (!app) return <Waiting error={error} />;
  function choose(name: string) {
    setTab(name);
    // Keeps the tab in the address, so that the address can be shared.
    history.replaceState(null, "", `#/apps/${id}?show=${name}`);
  }
  return (
    <>
      <p>
        <a href="#/apps">Apps</a>
      </p>
      <div class="row title">
        <h1>
          {app.name} <span class={`state ${app.state}`}>{app.enabled ? app.state.replaceAll("_", " ") : "off"}</span>
        </h1>
        <Controls app={app} onChange={again} />
      </div>
      <p>{app.description}</p>
      <p class="soft">
        {[app.does.join("; "), `from ${app.source}`].filter(Boolean).join(", ")}
      </p>
      {app.reason && <p class="bad">{app.reason}</p>}
      {app.apart !== null && <Apart app={app} onChange={again} />}
      <Choice
        label="About this app"
        options={Object.entries(TABS).map(([name, { title }]) => [name, title] as const)}
        chosen={tab}
        onChoose={choose}
      />
      {(TABS[tab] ?? TABS["settings"])?.show(app, again)}
    </>
  );
}

/** The same app in a process that it shares would need no words. */
function Apart({ app, onChange }: { app: App; onChange(): void }) {
  return (
    <p class="row">
      <span>
        For a day it has a process of its own, though its project shares them: <span class="bad">{app.apart}</span>
      </span>
      <Action method="POST" path={`plugin_configs/${app.id}/share`} onDone={onChange}>Share again</Action>
    </p>
  );
}

function Controls({ app, onChange }: { app: App; onChange(): void }) {
  const path = `plugin_configs/${app.id}`;
  const isOwn = app.managed_by === "api";
  return (
    <>
      {isOwn && (
        <Action method="PATCH" path={path} body={{ enabled: !app.enabled }} version={app.version} onDone={onChange}>
          {app.enabled ? "Turn off" : "Turn on"}
        </Action>
      )}
      {app.state === "disabled" && app.enabled
        ? <Action method="POST" path={`${path}/enable`} onDone={onChange}>Start again</Action>
        : app.enabled && <Action method="POST" path={`${path}/restart`} onDone={onChange}>Restart</Action>}
      {isOwn && (
        <Action
          method="DELETE"
          path={path}
          version={app.version}
          confirm={`Delete ${app.name}? Its settings, storage and history go with it.`}
          onDone={() => location.hash = "#/apps"}
        >
          Delete
        </Action>
      )}
    </>
  );
}
