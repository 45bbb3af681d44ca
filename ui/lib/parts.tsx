/// <reference lib="dom" />
/**
 * Components that several pages share.
 * @module
 */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { asCurl, call, wordsOf } from "./api.ts";

/** Shows that something is being loaded, or what went wrong. */
export function Waiting({ error }: { error: Error | null }) {
  return error ? <p role="alert" class="bad">{error.message}</p> : <p class="soft" role="status">Loading…</p>;
}

/** Loads older entries of a list. */
export function More({ list }: { list: { more: (() => void) | null } }) {
  return list.more && (
    <p>
      <button type="button" onClick={list.more}>Older</button>
    </p>
  );
}

/** "3 min ago" or "in 2 h", with the exact time on hover. */
export function Ago({ time }: { time: string }) {
  const seconds = Math.round((Date.now() - Date.parse(time)) / 1000);
  const size = Math.abs(seconds);
  const words = size < 60
    ? `${size} s`
    : size < 3600
    ? `${Math.floor(size / 60)} min`
    : size < 86_400
    ? `${Math.floor(size / 3600)} h`
    : `${Math.floor(size / 86_400)} d`;
  return (
    <time dateTime={time} title={new Date(time).toLocaleString()}>
      {seconds < -1 ? `in ${words}` : `${words} ago`}
    </time>
  );
}

/** A number, with a label above it. */
export function Figure({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div class="number">
      <span>{label}</span>
      {children}
    </div>
  );
}

/** Whether the service allows the page to change anything. */
const isEditable = document.documentElement.dataset["mode"] === "edit";
let mayChange = false;

/** Viewers see no controls; the service would refuse their changes anyway. */
export function setRole(role: "admin" | "viewer"): void {
  mayChange = role === "admin";
}

/** Whether this session has controls. */
export function canEdit(): boolean {
  return isEditable && mayChange;
}

export interface ActionProps {
  method: string;
  path: string;
  body?: unknown;
  version?: number | null;
  children: ComponentChildren;
  /** For screen readers, which do not show where the button is. */
  label?: string;
  /** A question to ask before the request is sent. */
  confirm?: string;
  onDone?(answer: unknown): void;
}

/** A button that changes something. It shows what went wrong, and offers the same request as a shell command. */
export function Action({ method, path, body, version, children, label, confirm: question, onDone }: ActionProps) {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  if (!canEdit()) return null;
  async function run() {
    if (question !== undefined && !confirm(question)) return;
    setBusy(true);
    try {
      const answer = await call(method, path, body, version);
      setProblem("");
      onDone?.(answer);
    } catch (error) {
      setProblem(wordsOf(error));
    }
    setBusy(false);
  }
  return (
    <span class="action">
      <button type="button" disabled={busy} {...(label && { "aria-label": label })} onClick={run}>{children}</button>
      <SameByApi method={method} path={path} body={body} />
      {problem && <span role="alert" class="bad">{problem}</span>}
    </span>
  );
}

/** The request behind a control, to copy into a script. */
export function SameByApi({ method, path, body }: { method: string; path: string; body?: unknown }) {
  return (
    <details class="api">
      <summary title="The same by API" aria-label={`API: ${method} ${path}`}>API</summary>
      <pre tabIndex={0}>{asCurl(method, path, body)}</pre>
    </details>
  );
}

/** A group of buttons of which one is pressed. `options` are names with their titles. */
export function Choice<Name extends string | number>(
  { label, options, chosen, onChoose }: {
    label: string;
    options: readonly (readonly [Name, string])[];
    chosen: Name;
    onChoose(name: Name): void;
  },
) {
  return (
    <div class="row tabs" role="group" aria-label={label}>
      {options.map(([name, title]) => (
        <button
          key={name}
          type="button"
          aria-pressed={name === chosen}
          onClick={() => onChoose(name)}
        >
          {title}
        </button>
      ))}
    </div>
  );
}

export interface Change {
  path: string;
  before?: unknown;
  after?: unknown;
}

/** A list of changes, one line for each field. */
export function Changes({ changes }: { changes: Change[] }) {
  const show = (value: unknown) => value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);
  if (changes.length === 0) return <p class="soft">Nothing changes.</p>;
  return (
    <div class="scroll">
      <table class="diff">
        <thead>
          <tr>
            <th scope="col">Where</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {changes.map(({ path, before, after }) => (
            <tr key={path}>
              <td>{path}</td>
              <td class="before">{show(before)}</td>
              <td class="after">{show(after)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A line for the last hour without axes: only its shape matters. */
export function Sparkline({ values, label }: { values: (number | null)[]; label: string }) {
  const most = Math.max(1, ...values.map((value) => value ?? 0));
  const step = 88 / Math.max(1, values.length - 1);
  const points = values.map((value, at) => `${(at * step).toFixed(1)},${(22 - 20 * (value ?? 0) / most).toFixed(1)}`);
  return (
    <svg class="spark" viewBox="0 0 88 24" role="img" aria-label={label}>
      <polyline points={points.join(" ")} />
    </svg>
  );
}
