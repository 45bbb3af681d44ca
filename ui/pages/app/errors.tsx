/// <reference lib="dom" />
/**
 * An app's failures, grouped by kind and counted.
 * @module
 */

import { useState } from "preact/hooks";
import { Action, Ago, Waiting } from "../../lib/parts.tsx";
import { useData, useList } from "../../lib/use_data.ts";

interface Problem {
  fingerprint: string;
  place: string;
  message: string;
  count: number;
  first_at: string;
  last_at: string;
}

export function Errors({ id }: { id: number }) {
  const problems = useList<Problem>(`errors?plugin_config_id=${id}`, ["logs"]);
  const { data, error, again } = problems;
  if (!data) return <Waiting error={error} />;
  if (data.results.length === 0) return <p class="good">Nothing has failed.</p>;
  return (
    <div class="card">
      {data.results.map((problem) => <ProblemRow key={problem.fingerprint} problem={problem} onForgotten={again} />)}
    </div>
  );
}

function ProblemRow({ problem, onForgotten }: { problem: Problem; onForgotten(): void }) {
  const { fingerprint, place, message, count, first_at, last_at } = problem;
  const [open, setOpen] = useState(false);
  const whole = useData<Problem & { stack: string | null; sample: unknown }>(open ? `errors/${fingerprint}` : null);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <strong>{count.toLocaleString()} ×</strong> {place}: {message} <Ago time={last_at} />
      </summary>
      <p class="soft">
        For the first time <Ago time={first_at} />
      </p>
      {whole.data?.stack && <pre tabIndex={0}>{whole.data.stack}</pre>}
      {whole.data?.sample != null && (
        <>
          <p>An event that it happened with:</p>
          <pre tabIndex={0}>{JSON.stringify(whole.data.sample, null, 2)}</pre>
        </>
      )}
      <Action method="DELETE" path={`errors/${fingerprint}`} onDone={onForgotten}>Forget it</Action>
    </details>
  );
}
