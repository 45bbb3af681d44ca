/// <reference lib="dom" />
/**
 * Projects: the token that SDKs use, the PostHog behind the project, and its destinations.
 * @module
 */

import { useState } from "preact/hooks";
import { call } from "../../lib/api.ts";
import { Action, canEdit, SameByApi, Waiting } from "../../lib/parts.tsx";
import type { Project } from "../../lib/shapes.ts";
import { submitted, useAttempt } from "../../lib/use_attempt.ts";
import { useWhole } from "../../lib/use_data.ts";
import { Destinations } from "./destinations.tsx";

export function Projects() {
  const { data, error, again } = useWhole<Project>("projects", ["states"]);
  return (
    <>
      <h1>Projects</h1>
      {!data
        ? <Waiting error={error} />
        : data.results.map((project) => <ProjectCard key={project.id} project={project} onChange={again} />)}
      <NewProject onMade={again} />
    </>
  );
}

function ProjectCard({ project, onChange }: { project: Project; onChange(): void }) {
  const { id, name, token, anonymize_ips, upstream, managed_by, version } = project;
  const isOwn = managed_by === "api";
  const path = `projects/${id}`;
  return (
    <section class="card" aria-label={name}>
      <div class="row title">
        <h2>{name}</h2>
        <span class="soft">{isOwn ? `project ${id}` : `project ${id}, by file`}</span>
        {isOwn && (
          <>
            <Action
              method="PATCH"
              path={path}
              body={{ anonymize_ips: !anonymize_ips }}
              version={version}
              label={`${anonymize_ips ? "Keep" : "Leave out"} addresses in ${name}`}
              onDone={onChange}
            >
              {anonymize_ips ? "Keep IP addresses" : "Leave IP addresses out"}
            </Action>
            <Action
              method="DELETE"
              path={path}
              version={version}
              label={`Delete ${name}`}
              confirm={`Delete ${name}? Its token is refused from then on.`}
              onDone={onChange}
            >
              Delete
            </Action>
          </>
        )}
      </div>
      <dl class="facts">
        <dt>Token</dt>
        <dd>
          <code>{token}</code>
        </dd>
        <dt>IP addresses</dt>
        <dd>{anonymize_ips ? "left out of events" : "kept"}</dd>
        <dt>PostHog behind it</dt>
        <dd>{upstream === null ? "none: flags, surveys and scripts are answered with nothing" : upstream.host}</dd>
      </dl>
      {isOwn && canEdit() && <UpstreamForm project={project} onChange={onChange} />}
      <Destinations project={project} />
    </section>
  );
}

/** Whatever is not capture is forwarded to that PostHog. */
function UpstreamForm({ project, onChange }: { project: Project; onChange(): void }) {
  const { id, name, upstream, version } = project;
  const [host, setHost] = useState(upstream?.host ?? "https://eu.i.posthog.com");
  const [key, setKey] = useState(upstream?.api_key ?? "");
  const attempts = useAttempt();
  const path = `projects/${id}`;
  const body = { upstream: { type: "posthog", host, ...(key !== "" && { api_key: key }) } };
  const save = submitted(attempts, async () => {
    await call("PATCH", path, body, version);
    onChange();
  });
  return (
    <details>
      <summary>{upstream === null ? "Put it in front of a PostHog" : "Change the PostHog behind it"}</summary>
      <form onSubmit={save}>
        <label class="field">
          Address of that PostHog
          <input type="text" inputMode="url" required value={host} onInput={(e) => setHost(e.currentTarget.value)} />
        </label>
        <label class="field">
          Its project API key there, when it is another than the token here
          <input type="text" autocomplete="off" value={key} onInput={(e) => setKey(e.currentTarget.value)} />
        </label>
        <div class="row">
          <button type="submit">Save</button>
          <SameByApi method="PATCH" path={path} body={body} />
          {upstream !== null && (
            <Action
              method="PATCH"
              path={path}
              body={{ upstream: null }}
              version={version}
              label={`Take ${name} away from its PostHog`}
              onDone={onChange}
            >
              None
            </Action>
          )}
          {attempts.problem && <span role="alert" class="bad">{attempts.problem}</span>}
        </div>
      </form>
    </details>
  );
}

function NewProject({ onMade }: { onMade(): void }) {
  const [name, setName] = useState("");
  const [token, setToken] = useState("");
  const attempts = useAttempt();
  if (!canEdit()) return null;
  const body = { name, ...(token !== "" && { token }) };
  const save = submitted(attempts, async () => {
    await call("POST", "projects", body);
    setName("");
    setToken("");
    onMade();
  });
  return (
    <form class="card row" onSubmit={save}>
      <input
        aria-label="Name of the project"
        required
        placeholder="Name"
        value={name}
        onInput={(event) => setName(event.currentTarget.value)}
      />
      <input
        aria-label="Token"
        placeholder="Token (made when left out)"
        value={token}
        onInput={(event) => setToken(event.currentTarget.value)}
      />
      <button type="submit">Add a project</button>
      <SameByApi method="POST" path="projects" body={body} />
      {attempts.problem && <span role="alert" class="bad">{attempts.problem}</span>}
    </form>
  );
}
