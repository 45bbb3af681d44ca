/// <reference lib="dom" />
/**
 * Restricts a list to a span of time: its two fields, and the parameters for the API.
 * @module
 */

/** Local times in the form of the browser's field, such as `2026-01-31T12:00:00`. Empty or absent means unbounded. */
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

/** The valid times of the span as parameters of the API. */
export function spanQuery(span: Span): Record<string, string> {
  return Object.fromEntries(ENDS.flatMap(([end]) => {
    const time = new Date(span[end] ?? "");
    return Number.isNaN(time.getTime()) ? [] : [[end, time.toISOString()]];
  }));
}
