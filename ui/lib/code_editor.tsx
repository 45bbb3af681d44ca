/// <reference lib="dom" />
/**
 * A field for code. The editor is loaded when the first such field is shown. If it cannot be loaded, a plain text field
 * takes its place.
 * @module
 */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Editor, Language } from "./code_mirror.ts";

interface CodeEditorProps {
  label: string;
  language: Language;
  value: string;
  isFixed?: boolean;
  onChange(text: string): void;
}

export function CodeEditor({ label, language, value, isFixed = false, onChange }: CodeEditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const newest = useRef({ value, onChange });
  newest.current = { value, onChange };
  const [state, setState] = useState<"loading" | "editor" | "plain">("loading");
  useEffect(() => {
    let over = false;
    import("./code_mirror.ts").then(({ openEditor }) => {
      if (over || place.current === null) return;
      const root = place.current.shadowRoot ?? place.current.attachShadow({ mode: "open", delegatesFocus: true });
      editor.current = openEditor(root, {
        text: newest.current.value,
        language,
        label,
        isFixed,
        onChange: (text) => newest.current.onChange(text),
      });
      setState("editor");
    }, () => over || setState("plain"));
    return () => {
      over = true;
      editor.current?.destroy();
      editor.current = null;
    };
  }, [language, label, isFixed]);
  useEffect(() => editor.current?.show(value), [value]);
  return (
    <>
      {state !== "editor" && (
        <textarea
          class="code"
          aria-label={label}
          value={value}
          readOnly={isFixed || state === "loading"}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
      <div ref={place} class="editor" hidden={state !== "editor"} />
    </>
  );
}
