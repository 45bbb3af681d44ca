/// <reference lib="dom" />
/**
 * How far each destination and each app that sees events later is, and what was given up on.
 * @module
 */

import { useState } from "preact/hooks";
import { call } from "../api.ts";
import { Ago, CAN_EDIT, Figure, Waiting } from "../parts.tsx";
import type { List } from "../shapes.ts";
import { useData } from "../use_data.ts";

interface Consumer {
  id: string;
  state: string;
  lag: { events: number; seconds: number };
  delivered: number;
  rejected: number;
  last_error: { at: string; message: string } | null;
}
interface Letter {
  id: string;
  consumer: string;
  reason: string;
  at: string;
  event: unknown;
}

export function Deliveries() {
  const { data, error, again } = useData<List<Consumer>>("consumers", 3);
  return (
    <>
      <h1>Deliveries</h1>
      {!data
        ? <Waiting error={error} />
        : data.results.length === 0
        ? <p class="soft">No destination is set up, and no app sees events later.</p>
        : data.results.map((consumer) => <Row key={consumer.id} consumer={consumer} onChange={again} />)}
      <h2>Given up on</h2>
      <Letters />
    </>
  );
}

function Row({ consumer, onChange }: { consumer: Consumer; onChange(): void }) {
  const [problem, setProblem] = useState("");
  const isPaused = consumer.state === "paused";
  const action = isPaused ? "resume" : "pause";
  async function change() {
    try {
      await call("POST", `consumers/${consumer.id}/${action}`, {});
      setProblem("");
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    onChange();
  }
  return (
    <article class="card app">
      <div>
        <h2>
          {consumer.id} <span class={`state ${consumer.state}`}>{consumer.state}</span>
        </h2>
        {consumer.last_error && (
          <p class="bad">
            {consumer.last_error.message} <Ago time={consumer.last_error.at} />
          </p>
        )}
        {problem && <p role="alert" class="bad">{problem}</p>}
      </div>
      <Figure label="behind">{consumer.lag.events.toLocaleString()}</Figure>
      <Figure label="seconds">{Math.round(consumer.lag.seconds).toLocaleString()}</Figure>
      <Figure label="delivered">{consumer.delivered.toLocaleString()}</Figure>
      <Figure label="given up">{consumer.rejected.toLocaleString()}</Figure>
      <div />
      <div>
        {CAN_EDIT && (
          <button type="button" aria-label={`${isPaused ? "Resume" : "Pause"} ${consumer.id}`} onClick={change}>
            {isPaused ? "Resume" : "Pause"}
          </button>
        )}
      </div>
    </article>
  );
}

function Letters() {
  const { data, error, again } = useData<List<Letter>>("dead_letters?limit=100");
  const [problem, setProblem] = useState("");
  async function change(method: string, path: string) {
    try {
      await call(method, path, method === "POST" ? {} : undefined);
      setProblem("");
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    again();
  }
  if (!data) return <Waiting error={error} />;
  if (data.results.length === 0) return <p class="soft">Nothing was given up on.</p>;
  return (
    <div class="card">
      {problem && <p role="alert" class="bad">{problem}</p>}
      {data.results.map((letter) => (
        <details key={letter.id}>
          <summary>
            <strong>{letter.consumer}</strong> {letter.reason} <Ago time={letter.at} />
          </summary>
          <pre>{JSON.stringify(letter.event, null, 2)}</pre>
          {CAN_EDIT && (
            <div class="row">
              <button type="button" onClick={() => change("POST", `dead_letters/${letter.id}/requeue`)}>
                Try again
              </button>
              <button type="button" onClick={() => change("DELETE", `dead_letters/${letter.id}`)}>Delete</button>
            </div>
          )}
        </details>
      ))}
    </div>
  );
}
