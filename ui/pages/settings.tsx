/// <reference lib="dom" />
/**
 * The service itself: its settings, who may use the API, and the audit of changes.
 * @module
 */

import { useState } from "preact/hooks";
import { call } from "../lib/api.ts";
import { Action, Ago, canEdit, More, SameByApi, Waiting } from "../lib/parts.tsx";
import { type Span, spanQuery, TimeSpan } from "../lib/time_span.tsx";
import { submitted, useAttempt } from "../lib/use_attempt.ts";
import { useData, useList, useWhole } from "../lib/use_data.ts";

interface Running {
  version: string;
  started_at: string;
  settings: { name: string; env: string; help: string; value: unknown; secret: boolean; set: boolean }[];
}
interface Host {
  id: string;
  name: string;
  url: string | null;
  this_host: boolean;
  alive: boolean;
  role: string;
  version: string;
  started_at: string;
  last_seen_at: string;
  revision: string;
  partitions: { inbox: number[]; outbox: number[] } | null;
  lag: { events: number; seconds: number };
}
interface Token {
  id: string;
  name: string;
  role: string;
  created_at: string;
  created_by: string;
  expires_at: string | null;
}
interface AuditEntry {
  id: string;
  at: string;
  actor: string;
  action: string;
  target: string;
  before: unknown;
  after: unknown;
}

export function Settings() {
  const { data, error } = useData<Running>("settings");
  return (
    <>
      <h1>Settings</h1>
      {!data ? <Waiting error={error} /> : (
        <>
          <p>
            Hogpen {data.version}, started <Ago time={data.started_at} />
          </p>
          <details class="card">
            <summary>Settings in force</summary>
            <div class="scroll">
              <table>
                <tbody>
                  {data.settings.map(({ name, env, help, value, secret, set }) => (
                    <tr key={name}>
                      <th scope="row" title={help}>
                        <code>{env}</code>
                      </th>
                      <td>{secret ? set ? "set" : "not set" : value === null ? "not set" : String(value)}</td>
                      <td class="soft">{help}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </details>
        </>
      )}
      <h2>Hosts</h2>
      <Hosts />
      <h2>Tokens</h2>
      <Tokens />
      <h2>Changes</h2>
      <Audit />
    </>
  );
}

function Hosts() {
  const { data, error } = useData<{ results: Host[]; without_owner: { inbox: number[]; outbox: number[] } }>("hosts");
  if (!data) return <Waiting error={error} />;
  const revisions = new Set(data.results.filter(({ alive }) => alive).map(({ revision }) => revision));
  const { inbox, outbox } = data.without_owner;
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Hosts">
        <table>
          <thead>
            <tr>
              {["Host", "Role", "Version", "Started", "Last seen", "Configuration", "Partitions", "Lag"].map((
                title,
              ) => <th key={title} scope="col">{title}</th>)}
            </tr>
          </thead>
          <tbody>
            {data.results.map((host) => {
              const { id, role, version, started_at, last_seen_at, revision, partitions, lag } = host;
              return (
                <tr key={id}>
                  <th scope="row" title={id}>
                    {host.name} <code>{id.slice(0, 8)}</code>
                    {host.this_host && " (this host)"}
                    {host.url && <div class="soft">{host.url}</div>}
                  </th>
                  <td>{role}</td>
                  <td>{version}</td>
                  <td>
                    <Ago time={started_at} />
                  </td>
                  <td>
                    <Ago time={last_seen_at} />
                    {!host.alive && <div class="bad">It does not report any more</div>}
                  </td>
                  <td>
                    <code>{revision}</code>
                  </td>
                  <td>
                    {partitions === null
                      ? "a log of its own"
                      : `${partitions.inbox.length} in, ${partitions.outbox.length} out`}
                  </td>
                  <td>{host.alive ? `${lag.events} events` : "–"}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {inbox.length > 0 && (
        <p class="bad">
          No host owns {inbox.length}{" "}
          partitions of the inbox: what is in them passes no plugins. It takes a host of role all or route.
        </p>
      )}
      {outbox.length > 0 && (
        <p class="bad">
          No host owns {outbox.length}{" "}
          partitions of the outbox: what is in them is not delivered. It takes a host of role all or consume.
        </p>
      )}
      {revisions.size > 1 && <p>The hosts do not all run the same configuration yet.</p>}
    </>
  );
}

function Tokens() {
  const { data, error, again } = useWhole<Token>("tokens");
  if (!data) return <Waiting error={error} />;
  return (
    <>
      {data.results.map(({ id, name, role, created_at, created_by, expires_at }) => (
        <div key={id} class="card row">
          <strong>{name}</strong> <span>{role}</span>
          <span class="soft">
            made by {created_by} <Ago time={created_at} />
            {expires_at && (
              <>
                , ends <Ago time={expires_at} />
              </>
            )}
          </span>
          <Action
            method="DELETE"
            path={`tokens/${id}`}
            label={`Revoke ${name}`}
            confirm={`Revoke ${name}? Whoever uses it is locked out at once.`}
            onDone={again}
          >
            Revoke
          </Action>
        </div>
      ))}
      {data.results.length === 0 && <p class="soft">There is the admin token alone.</p>}
      <NewToken onMade={again} />
    </>
  );
}

function NewToken({ onMade }: { onMade(): void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState("viewer");
  const [made, setMade] = useState<string | null>(null);
  const attempts = useAttempt();
  if (!canEdit()) return null;
  const make = submitted(attempts, async () => {
    const { token } = await call<{ token: string }>("POST", "tokens", { name, role });
    setMade(token);
    onMade();
  });
  return (
    <form class="card" onSubmit={make}>
      <div class="row">
        <input
          aria-label="Name of the token"
          required
          placeholder="Name"
          onInput={(e) => setName(e.currentTarget.value)}
        />
        <select aria-label="Role" value={role} onChange={(event) => setRole(event.currentTarget.value)}>
          <option value="viewer">may look</option>
          <option value="admin">may change everything</option>
        </select>
        <button type="submit">Make a token</button>
        <SameByApi method="POST" path="tokens" body={{ name, role }} />
      </div>
      {made && (
        <p role="status">
          It is shown this once: <code>{made}</code>
        </p>
      )}
      {attempts.problem && <p role="alert" class="bad">{attempts.problem}</p>}
    </form>
  );
}

function Audit() {
  const [target, setTarget] = useState("");
  const [span, setSpan] = useState<Span>({});
  const query = new URLSearchParams({ limit: "50", ...(target && { target }), ...spanQuery(span) });
  const entries = useList<AuditEntry>(`audit?${query}`);
  const { data, error } = entries;
  const show = (value: unknown) => value === null || value === undefined ? "–" : JSON.stringify(value, null, 2);
  return (
    <>
      <div class="row">
        <input
          aria-label="What was changed"
          placeholder="plugin_configs/1000001"
          onChange={(event) => setTarget(event.currentTarget.value)}
        />
        <TimeSpan span={span} onChange={setSpan} />
      </div>
      {!data
        ? <Waiting error={error} />
        : data.results.length === 0
        ? <p class="soft">Nothing was changed.</p>
        : (
          <div class="card">
            {data.results.map(({ id, at, actor, action, target, before, after }) => (
              <details key={id}>
                <summary>
                  {actor}: {action} {target} <Ago time={at} />
                </summary>
                <div class="columns">
                  <pre tabIndex={0} aria-label="Before">{show(before)}</pre>
                  <pre tabIndex={0} aria-label="After">{show(after)}</pre>
                </div>
              </details>
            ))}
            <More list={entries} />
          </div>
        )}
    </>
  );
}
