/// <reference lib="dom" />
/**
 * The editor itself, which is loaded only by pages on which code is edited.
 * @module
 */

import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { javascript } from "@codemirror/lang-javascript";
import { json } from "@codemirror/lang-json";
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

export type Language = "json" | "javascript";

export interface EditorOptions {
  text: string;
  language: Language;
  /** The name of the field for screen readers. */
  label: string;
  isFixed: boolean;
  onChange(text: string): void;
}

export interface Editor {
  /** Shows another text. Does nothing if the text is shown already. */
  show(text: string): void;
  destroy(): void;
}

/** Colours that suit the page in both light and dark mode. */
const COLORS = HighlightStyle.define([
  { tag: [tags.keyword, tags.bool, tags.null], color: "var(--accent)" },
  { tag: [tags.string, tags.regexp], color: "var(--good)" },
  { tag: [tags.number], color: "var(--bad)" },
  { tag: [tags.comment], color: "var(--soft)", fontStyle: "italic" },
  { tag: [tags.propertyName, tags.function(tags.variableName)], fontWeight: "600" },
]);

const THEME = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--card)", fontSize: "13px" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-1px" },
  ".cm-content": { fontFamily: "ui-monospace, monospace", caretColor: "var(--text)", minHeight: "120px" },
  ".cm-gutters": { color: "var(--soft)", backgroundColor: "var(--back)", border: "none" },
  ".cm-activeLine": { backgroundColor: "transparent" },
  ".cm-scroller": { maxHeight: "420px", overflow: "auto" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--line)" },
  "&.cm-focused .cm-cursor": { borderLeftColor: "var(--text)" },
});

/**
 * `root` is a shadow root, because the editor can then style itself without style elements, which the page forbids. Tab
 * leaves the editor, as it leaves any other field.
 */
export function openEditor(root: ShadowRoot, options: EditorOptions): Editor {
  const { text, language, label, isFixed, onChange } = options;
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        history(),
        drawSelection(),
        highlightActiveLine(),
        indentOnInput(),
        bracketMatching(),
        syntaxHighlighting(COLORS),
        THEME,
        EditorView.lineWrapping,
        language === "json" ? json() : javascript({ typescript: true }),
        keymap.of([...defaultKeymap, ...historyKeymap]),
        EditorState.readOnly.of(isFixed),
        EditorView.contentAttributes.of({ "aria-label": label }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onChange(update.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    show(text) {
      const shown = view.state.doc.toString();
      if (shown !== text) view.dispatch({ changes: { from: 0, to: shown.length, insert: text } });
    },
    destroy: () => view.destroy(),
  };
}
