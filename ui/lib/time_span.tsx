/// <reference lib="dom" />
/**
 * A stretch of time by which a list is narrowed: its two fields, and what the API is asked for.
 * @module
 */

/** Local times as the browser's field has them, such as `2026-01-31T12:00:00`; empty or left out where it is open. */
export interface Span {
  after?: string;
  before?: string;
}

const ENDS = [["after", "Since"], ["before", "Until"]] as const;

export function TimeSpan({ span, onChange }: { span: Span; onChange(span: Span): void }) {
  return (
    <>
      {ENDS.map(([end, words]) => (
        <label key={end} class="inline">
          {words}
          <input
            type="datetime-local"
            step="1"
            value={span[end] ?? ""}
            onInput={(event) => onChange({ ...span, [end]: event.currentTarget.value })}
          />
        </label>
      ))}
    </>
  );
}

/** What of the span is a time, as parameters of the API. */
export function spanQuery(span: Span): Record<string, string> {
  return Object.fromEntries(ENDS.flatMap(([end]) => {
    const time = new Date(span[end] ?? "");
    return Number.isNaN(time.getTime()) ? [] : [[end, time.toISOString()]];
  }));
}
