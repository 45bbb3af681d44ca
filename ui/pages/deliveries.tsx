/// <reference lib="dom" />
/**
 * How far each consumer has come: the destinations, and the apps that see events after the chain.
 * @module
 */

import { useState } from "preact/hooks";
import { call } from "../lib/api.ts";
import { useHostRole } from "../lib/role_notice.tsx";
import { Action, Ago, canEdit, Figure, SameByApi, Waiting } from "../lib/parts.tsx";
import { useAttempt } from "../lib/use_attempt.ts";
import { useWhole } from "../lib/use_data.ts";

interface Consumer {
  id: string;
  state: string;
  lag: { events: number; seconds: number };
  delivered: number;
  threw: number;
  rejected: number;
  last_error: { at: string; message: string } | null;
  paused_for: string | null;
  next_attempt_at: string | null;
  replay: { fraction: number; events_left: number } | null;
}

export function Deliveries() {
  const { data, error, again } = useWhole<Consumer>("consumers", ["lag"]);
  const role = useHostRole();
  return (
    <>
      <h1>Deliveries</h1>
      {!data ? <Waiting error={error} /> : data.results.length === 0
        ? (
          <p class="soft">
            {role === "intake" || role === "route"
              ? "This host delivers nothing: what there is shows on another one."
              : "No destination is set up, and no app sees events later."}
          </p>
        )
        : data.results.map((consumer) => <Row key={consumer.id} consumer={consumer} onChange={again} />)}
      <p class="soft">
        What was given up on lies among the <a href="#/dead_letters">dead letters</a>.
      </p>
    </>
  );
}

function Row({ consumer, onChange }: { consumer: Consumer; onChange(): void }) {
  const { id, state, lag, delivered, threw, rejected, last_error, paused_for, next_attempt_at, replay } = consumer;
  const isPaused = state === "paused";
  const [, project, destination] = /^destination:(\d+)\/(.+)$/.exec(id) ?? [];
  return (
    <article class="card">
      <div class="app five">
        <div>
          <h2>
            {id} <span class={`state ${state}`}>{state}</span>
          </h2>
          {paused_for && <p class="bad">Paused: {paused_for}</p>}
          {last_error && (
            <p class="bad">
              {last_error.message} <Ago time={last_error.at} />
              {next_attempt_at && (
                <>
                  , tried again <Ago time={next_attempt_at} />
                </>
              )}
            </p>
          )}
        </div>
        <Figure label="behind">{lag.events.toLocaleString()}</Figure>
        <Figure label="seconds">{Math.round(lag.seconds).toLocaleString()}</Figure>
        <Figure label="delivered">{delivered.toLocaleString()}</Figure>
        <Figure label="threw">{threw.toLocaleString()}</Figure>
        <Figure label="given up">{rejected.toLocaleString()}</Figure>
      </div>
      {replay && (
        <div class="row">
          <label for={`replay-${id}`}>Replay</label>
          <progress id={`replay-${id}`} max={1} value={replay.fraction} />
          <span class="soft">{replay.events_left.toLocaleString()} events left</span>
          <Action method="POST" path={`consumers/${id}/cancel_replay`} onDone={onChange}>End the replay</Action>
        </div>
      )}
      <div class="row">
        <Action
          method="POST"
          path={`consumers/${id}/${isPaused ? "resume" : "pause"}`}
          label={`${isPaused ? "Resume" : "Pause"} ${id}`}
          onDone={onChange}
        >
          {isPaused ? "Resume" : "Pause"}
        </Action>
        {lag.events > 0 && (
          <Action
            method="POST"
            path={`consumers/${id}/skip`}
            label={`Skip what ${id} has not delivered`}
            confirm={`What ${id} has not delivered yet, ${lag.events} events on this host, would never reach it. Skip it?`}
            onDone={onChange}
          >
            Skip
          </Action>
        )}
        {destination && <TestDelivery path={`projects/${project}/destinations/${destination}/test`} />}
        {canEdit() && <Replay id={id} onStarted={onChange} />}
      </div>
    </article>
  );
}

function TestDelivery({ path }: { path: string }) {
  const [said, setSaid] = useState("");
  return (
    <>
      <Action
        method="POST"
        path={path}
        onDone={(answer) => {
          const { delivered, detail } = answer as { delivered: boolean; detail: string | null };
          setSaid(delivered ? "It was delivered." : `It was not delivered: ${detail}`);
        }}
      >
        Send a test event
      </Action>
      <span role="status">{said}</span>
    </>
  );
}

/** Delivers events again from a chosen time, after showing how many there are. */
function Replay({ id, onStarted }: { id: string; onStarted(): void }) {
  const [time, setTime] = useState("");
  const [found, setFound] = useState<{ events: number; exact: boolean } | null>(null);
  const { problem, attempt } = useAttempt();
  const body = { time: time === "" ? "" : new Date(time).toISOString() };
  const estimate = () => attempt(async () => setFound(await call("POST", `consumers/${id}/estimate`, body)));
  const start = () =>
    attempt(async () => {
      await call("POST", `consumers/${id}/rewind`, body);
      setFound(null);
      onStarted();
    });
  return (
    <>
      <label for={`from-${id}`}>Replay from</label>
      <input
        id={`from-${id}`}
        type="datetime-local"
        onInput={(event) => {
          setTime(event.currentTarget.value);
          setFound(null);
        }}
      />
      {found === null
        ? <button type="button" disabled={time === ""} onClick={estimate}>How many?</button>
        : (
          <button type="button" onClick={start}>
            Deliver {found.exact ? "" : "up to "}
            {found.events.toLocaleString()} events again
          </button>
        )}
      <SameByApi method="POST" path={`consumers/${id}/rewind`} body={body} />
      {problem && <span role="alert" class="bad">{problem}</span>}
    </>
  );
}
