/// <reference lib="dom" />
/**
 * The settings of an app, as its plugin.json describes them.
 * @module
 */

import { useState } from "preact/hooks";
import { Markdown } from "../../lib/markdown.tsx";
import { call, isStale, wordsOf } from "../../lib/api.ts";
import { canEdit, type Change, Changes, SameByApi } from "../../lib/parts.tsx";
import type { App } from "../../lib/shapes.ts";
import { Attachment, FieldInput } from "./field.tsx";
import { applies } from "./conditions.ts";

type Values = Record<string, unknown>;

/** Remembers the version from the first edit on, so that somebody else's change is not overwritten. */
export function Form({ app, onSaved }: { app: App; onSaved(): void }) {
  const [edited, setEdited] = useState<App | null>(null);
  const [edits, setEdits] = useState<Values>({});
  const [said, setSaid] = useState("");
  const isNewer = edited !== null && (Object.keys(edits).length > 0 || Number(edited.version) > Number(app.version));
  const base = isNewer ? edited : app;
  const isFromFile = app.managed_by === "file";
  const values = { ...base.config, ...edits };
  const path = `plugin_configs/${app.id}`;
  const shown = app.config_schema.filter((field) => applies(field.visible_if, values, true));
  const isFixed = !canEdit();

  async function save(event: Event) {
    event.preventDefault();
    try {
      setEdited(await call<App>("PATCH", path, { config: values }, base.version));
      setEdits({});
      setSaid("Saved; the app was started again with it.");
      onSaved();
    } catch (error) {
      setSaid(isStale(error) ? "Somebody changed it meanwhile; nothing was overwritten." : wordsOf(error));
    }
  }
  function edit(key: string, value: unknown) {
    setEdited(base);
    setEdits({ ...edits, [key]: value });
  }
  function takeCurrent() {
    setEdited(app);
    setSaid("");
  }
  return (
    <form class="card" onSubmit={save}>
      {isFromFile && (
        <p class="soft">
          This app stands in the configuration file and is changed there. What is filled in here can be tried and
          copied.
        </p>
      )}
      {shown.length === 0 && <p class="soft">This app has no settings.</p>}
      {shown.map((field, at) => {
        const { key } = field;
        if (key === undefined) return <Markdown key={at} text={field.markdown ?? field.name ?? ""} />;
        if (field.type === "attachment") return <Attachment key={key} app={app} field={field} onChange={onSaved} />;
        return (
          <FieldInput
            key={`${key} ${base.version}`}
            field={{ ...field, required: field.required || applies(field.required_if, values, false) }}
            value={values[key]}
            isSet={base.secrets_set.includes(key)}
            isFixed={isFixed}
            onChange={(value) => edit(key, value)}
          />
        );
      })}
      {Object.keys(edits).length > 0 && base.version !== app.version && (
        <div class="bad" role="alert">
          <p>It was changed since you opened it:</p>
          <Changes changes={changesBetween(base.config, app.config)} />
          <button type="button" onClick={takeCurrent}>Go on from what it is now, with your edits</button>
        </div>
      )}
      {!isFixed && shown.length > 0 && (
        isFromFile
          ? Object.keys(edits).length > 0 && (
            <>
              <p>For the configuration file:</p>
              <pre tabIndex={0}>{JSON.stringify({ id: app.id, config: values }, null, 2)}</pre>
            </>
          )
          : (
            <div class="row">
              <button type="submit" class="main" disabled={Object.keys(edits).length === 0}>Save</button>
              <SameByApi method="PATCH" path={path} body={{ config: values }} />
            </div>
          )
      )}
      <p role="status">{said}</p>
    </form>
  );
}

function changesBetween(before: Values, after: Values): Change[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
    .map((path) => ({ path, before: before[path], after: after[path] }));
}
