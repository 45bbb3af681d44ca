/// <reference lib="dom" />
/**
 * Events that a destination or an app gave up on, by consumer and reason.
 * @module
 */

import { useState } from "preact/hooks";
import { CodeEditor } from "../lib/code_editor.tsx";
import { call } from "../lib/api.ts";
import { Action, Ago, canEdit, More, Waiting } from "../lib/parts.tsx";
import type { List } from "../lib/shapes.ts";
import { useAttempt } from "../lib/use_attempt.ts";
import { useData, useList } from "../lib/use_data.ts";

interface Group {
  team_id: number;
  consumer: string;
  reason: string;
  count: number;
  latest_at: string;
}
interface Letter {
  id: string;
  at: string;
  event: unknown;
}

export function DeadLetters() {
  const { data, error, again } = useData<List<Group>>("dead_letter_groups", ["lag"]);
  return (
    <>
      <h1>Dead letters</h1>
      <p class="soft">
        Events that could not be delivered, or at which an app was stopped. They wait here until somebody sends them
        again or deletes them.
      </p>
      {!data
        ? <Waiting error={error} />
        : data.results.length === 0
        ? <p class="good">There are none.</p>
        : data.results.map((group) => (
          <GroupRow key={`${group.team_id} ${group.consumer} ${group.reason}`} group={group} onChange={again} />
        ))}
    </>
  );
}

function GroupRow({ group, onChange }: { group: Group; onChange(): void }) {
  const { team_id, consumer, reason, count, latest_at } = group;
  const [open, setOpen] = useState(false);
  const [said, setSaid] = useState("");
  const chosen = { team_id, consumer, reason };
  const requeued = (answer: unknown) => {
    const { requeued, refused, last_refusal } = answer as {
      requeued: number;
      refused: number;
      last_refusal: string | null;
    };
    setSaid(`${requeued} sent again${refused > 0 ? `, ${refused} not taken: ${last_refusal}` : ""}`);
    onChange();
  };
  return (
    <article class="card">
      <h2>{consumer}</h2>
      <p class="bad">{reason}</p>
      <p class="soft">
        {count.toLocaleString()} {count === 1 ? "event" : "events"}, the latest <Ago time={latest_at} />
      </p>
      <div class="row">
        <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? "Hide" : "Look at them"}
        </button>
        <Action method="POST" path="dead_letters/requeue" body={chosen} onDone={requeued}>Send all again</Action>
        <Action
          method="POST"
          path="dead_letters/delete"
          body={chosen}
          confirm={`Delete ${count} events for good?`}
          onDone={onChange}
        >
          Delete all
        </Action>
        <span role="status">{said}</span>
      </div>
      {open && (
        <Letters
          query={new URLSearchParams({ ...chosen, team_id: String(team_id), limit: "50" })}
          onChange={onChange}
        />
      )}
    </article>
  );
}

function Letters({ query, onChange }: { query: URLSearchParams; onChange(): void }) {
  const letters = useList<Letter>(`dead_letters?${query}`);
  const { data, error, again } = letters;
  const changed = () => {
    again();
    onChange();
  };
  if (!data) return <Waiting error={error} />;
  return (
    <>
      {data.results.map((letter) => <LetterRow key={letter.id} letter={letter} onChange={changed} />)}
      <More list={letters} />
    </>
  );
}

function LetterRow({ letter, onChange }: { letter: Letter; onChange(): void }) {
  const [text, setText] = useState(() => JSON.stringify(letter.event, null, 2));
  const { problem, attempt } = useAttempt();
  const save = () =>
    attempt(async () => {
      await call("PATCH", `dead_letters/${letter.id}`, { event: JSON.parse(text) });
      onChange();
    });
  return (
    <details>
      <summary>
        {(letter.event as { event?: string } | null)?.event ?? "event"} <Ago time={letter.at} />
      </summary>
      <CodeEditor label="The event" language="json" value={text} onChange={setText} />
      <div class="row">
        {canEdit() && <button type="button" onClick={save}>Save</button>}
        <Action method="POST" path={`dead_letters/${letter.id}/requeue`} onDone={onChange}>Send again</Action>
        <Action method="DELETE" path={`dead_letters/${letter.id}`} onDone={onChange}>Delete</Action>
        {problem && <span role="alert" class="bad">{problem}</span>}
      </div>
    </details>
  );
}
