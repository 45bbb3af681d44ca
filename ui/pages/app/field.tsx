/// <reference lib="dom" />
/**
 * One field of an app's settings, by its type in plugin.json.
 * @module
 */

import { useState } from "preact/hooks";
import { API, upload, wordsOf } from "../../lib/api.ts";
import { CodeEditor } from "../../lib/code_editor.tsx";
import { Markdown } from "../../lib/markdown.tsx";
import { Action, canEdit } from "../../lib/parts.tsx";
import type { App, Field } from "../../lib/shapes.ts";
import { useAttempt } from "../../lib/use_attempt.ts";

interface FieldProps {
  field: Field;
  value: unknown;
  /** True for a secret that is stored. Its value is never sent to the page. */
  isSet: boolean;
  isFixed: boolean;
  onChange(value: unknown): void;
}

/** Field types that are edited as code. */
const CODE = new Set(["json", "dictionary"]);

export function FieldInput(props: FieldProps) {
  const { field } = props;
  const id = `field-${field.key}`;
  return (
    <div class="field">
      <label {...(!CODE.has(field.type ?? "") && { for: id })}>{labelOf(field)}</label>
      <Input {...props} id={id} />
      <Markdown id={`${id}-hint`} text={field.hint ?? ""} />
    </div>
  );
}

function Input({ field, value, isSet, isFixed, onChange, id }: FieldProps & { id: string }) {
  const common = { id, disabled: isFixed, "aria-describedby": `${id}-hint` };
  if (field.secret || isSet) return <Secret {...common} isSet={isSet} onChange={onChange} />;
  switch (field.type) {
    case "choice":
      return (
        <select {...common} value={textOf(value)} onChange={(event) => onChange(event.currentTarget.value)}>
          <option value="" />
          {(field.choices ?? []).map((choice) => <option key={choice}>{choice}</option>)}
        </select>
      );
    case "boolean":
      return (
        <input
          {...common}
          type="checkbox"
          checked={value === true || value === "true"}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    case "json":
    case "dictionary":
      return <Json label={labelOf(field)} value={value} disabled={isFixed} onChange={onChange} />;
    case "multiline":
      return <textarea {...common} value={textOf(value)} onInput={(event) => onChange(event.currentTarget.value)} />;
    default:
      return (
        <input
          {...common}
          type="text"
          autocomplete="off"
          value={textOf(value)}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      );
  }
}

function labelOf({ key, name, required }: Field): string {
  return `${name ?? key ?? ""}${required ? " (required)" : ""}`;
}

function textOf(value: unknown): string {
  return value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
}

interface InputProps {
  id: string;
  disabled: boolean;
  "aria-describedby": string;
  onChange(value: unknown): void;
}

/** A stored secret is not shown, and is kept as long as nothing is typed. */
function Secret({ isSet, onChange, ...common }: InputProps & { isSet: boolean }) {
  const [replacing, setReplacing] = useState(!isSet);
  if (!replacing) {
    return (
      <div class="row">
        <span>Set</span>
        {!common.disabled && (
          <button
            type="button"
            id={common.id}
            aria-label="Replace what is set"
            onClick={() => setReplacing(true)}
          >
            Replace
          </button>
        )}
      </div>
    );
  }
  return (
    <input
      {...common}
      type="password"
      autocomplete="off"
      onInput={(event) => onChange(event.currentTarget.value)}
    />
  );
}

interface JsonProps {
  label: string;
  value: unknown;
  disabled: boolean;
  onChange(value: unknown): void;
}

/** Changes the value whenever the text is valid JSON. */
function Json({ label, value, disabled, onChange }: JsonProps) {
  const [text, setText] = useState(() => typeof value === "string" ? value : JSON.stringify(value ?? {}, null, 2));
  const [problem, setProblem] = useState("");
  function change(typed: string) {
    setText(typed);
    try {
      onChange(JSON.parse(typed));
      setProblem("");
    } catch (error) {
      setProblem(wordsOf(error));
    }
  }
  return (
    <>
      <CodeEditor label={label} language="json" value={text} isFixed={disabled} onChange={change} />
      {problem && <p class="bad" role="status">{problem}</p>}
    </>
  );
}

export function Attachment({ app, field, onChange }: { app: App; field: Field; onChange(): void }) {
  const { problem, attempt } = useAttempt();
  const key = field.key ?? "";
  const id = `field-${key}`;
  const path = `plugin_configs/${app.id}/attachments/${encodeURIComponent(key)}`;
  const current = app.attachments[key];
  const send = (file: File | undefined) =>
    attempt(async () => {
      if (file === undefined) return;
      await upload("PUT", `${path}?file_name=${encodeURIComponent(file.name)}`, file);
      onChange();
    });
  return (
    <div class="field">
      <label for={id}>{field.name ?? key}{field.required && " (required)"}</label>
      {current && (
        <p class="row">
          <a href={`${API}${path}`} download={current.file_name}>{current.file_name}</a>
          {app.managed_by === "api" && <Action method="DELETE" path={path} onDone={onChange}>Remove</Action>}
        </p>
      )}
      {canEdit() && app.managed_by === "api" && (
        <input
          id={id}
          type="file"
          onChange={(event) => send(event.currentTarget.files?.[0])}
        />
      )}
      <Markdown text={field.hint ?? ""} />
      {problem && <p role="alert" class="bad">{problem}</p>}
    </div>
  );
}
