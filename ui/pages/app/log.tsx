/// <reference lib="dom" />
/**
 * What an app printed and what the service reports about it, updated as it happens.
 * @module
 */

import { useState } from "preact/hooks";
import { More, Waiting } from "../../lib/parts.tsx";
import { type Span, spanQuery, TimeSpan } from "../../lib/time_span.tsx";
import { useList } from "../../lib/use_data.ts";

interface LogEntry {
  id: string;
  timestamp: string;
  type: string;
  source: string;
  message: string;
}

const TYPES = ["DEBUG", "LOG", "INFO", "WARN", "ERROR"];
const PAGE = 200;

export function Log({ id }: { id: number }) {
  const [search, setSearch] = useState("");
  const [type, setType] = useState("");
  const [span, setSpan] = useState<Span>({});
  const [paused, setPaused] = useState(false);
  const query = new URLSearchParams({
    limit: String(PAGE),
    ...(search && { search }),
    ...(type && { type }),
    ...spanQuery(span),
  });
  const log = useList<LogEntry>(`plugin_configs/${id}/logs?${query}`, paused ? null : ["logs"]);
  const { data, error } = log;
  const lines = data?.results ?? [];
  return (
    <>
      <div class="row">
        <input
          type="search"
          aria-label="Search the log"
          placeholder="Search"
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <select aria-label="Level" onChange={(event) => setType(event.currentTarget.value)}>
          <option value="">Any level</option>
          {TYPES.map((each) => <option key={each}>{each}</option>)}
        </select>
        <TimeSpan span={span} onChange={setSpan} />
        <button type="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>
          {paused ? "Follow" : "Pause"}
        </button>
      </div>
      {!data
        ? <Waiting error={error} />
        : lines.length === 0
        ? <p class="soft">No lines.</p>
        : (
          <pre class="log" tabIndex={0}>
          {lines.map(({ id, timestamp, type, source, message }) => (
            <span key={id} class={type === "ERROR" ? "bad" : ""}>
              {`${timestamp} ${type.padEnd(5)} ${source === "SYSTEM" ? "(service) " : ""}${message}\n`}
            </span>
          ))}
          </pre>
        )}
      <More list={log} />
    </>
  );
}
