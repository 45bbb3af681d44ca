/// <reference lib="dom" />
/**
 * What is watched, with which threshold, and who is told.
 * @module
 */

import { useState } from "preact/hooks";
import { call } from "../../lib/api.ts";
import { Action, canEdit, SameByApi } from "../../lib/parts.tsx";
import { submitted, useAttempt } from "../../lib/use_attempt.ts";
import type { Channel } from "./channels.tsx";

export interface Rule {
  id: string;
  when: string;
  enabled: boolean;
  threshold: number;
  minutes: number;
  channels: string[];
}

/** What each rule watches, and the unit of its threshold. */
const WHEN: Record<string, { words: string; unit: string }> = {
  plugin_disabled: { words: "An app was disabled by the service", unit: "" },
  failing_rate: { words: "An app fails for too many of its events", unit: "percent" },
  lag: { words: "A consumer is behind", unit: "seconds" },
  dead_letters: { words: "Events were given up on", unit: "events" },
  consumer_failing: { words: "A consumer cannot deliver", unit: "" },
  log_full: { words: "The event log is nearly full", unit: "percent" },
  upstream_away: { words: "PostHog does not answer", unit: "" },
  events_wait: { words: "Events wait for a key or a host", unit: "" },
};

/** Rules that look at a period of some minutes. The others apply to a single moment. */
const OVER_MINUTES = new Set(["failing_rate", "dead_letters", "upstream_away"]);

export function RuleRow({ rule, channels, onChange }: { rule: Rule; channels: Channel[]; onChange(): void }) {
  const { id, ...body } = rule;
  const { words, unit } = WHEN[rule.when] ?? { words: rule.when, unit: "" };
  const known = channels.map((channel) => channel.id);
  return (
    <div class="card row">
      <strong>{words}</strong>
      <span class="soft">
        {unit && `from ${rule.threshold} ${unit}; `}
        {OVER_MINUTES.has(rule.when) && `over ${rule.minutes} min; `}
        {rule.channels.length === 0 ? "tells nobody" : `tells ${rule.channels.join(", ")}`}
        {rule.channels.some((channel) => !known.includes(channel)) && " (one of them is gone)"}
      </span>
      <Action
        method="PUT"
        path={`alert_rules/${id}`}
        body={{ ...body, enabled: !rule.enabled }}
        label={`Turn ${rule.enabled ? "off" : "on"} the rule ${id}`}
        onDone={onChange}
      >
        {rule.enabled ? "Turn off" : "Turn on"}
      </Action>
      <Action method="DELETE" path={`alert_rules/${id}`} label={`Delete the rule ${id}`} onDone={onChange}>
        Delete
      </Action>
      <ChangeRule key={JSON.stringify(rule)} rule={rule} channels={channels} onChange={onChange} />
    </div>
  );
}

interface RuleDraft {
  when: string;
  threshold: string;
  minutes: string;
  channel: string;
}

/** The request body for a rule that is being edited. */
function bodyOf({ when, threshold, minutes, channel }: RuleDraft) {
  return {
    when,
    minutes: Number(minutes),
    channels: channel === "" ? [] : [channel],
    ...(WHEN[when]?.unit && { threshold: Number(threshold) }),
  };
}

function RuleFields(
  { draft, channels, onChange }: { draft: RuleDraft; channels: Channel[]; onChange(draft: RuleDraft): void },
) {
  const unit = WHEN[draft.when]?.unit ?? "";
  const set = (key: keyof RuleDraft) => (event: { currentTarget: { value: string } }) =>
    onChange({ ...draft, [key]: event.currentTarget.value });
  return (
    <>
      {unit && (
        <>
          <input
            class="short"
            aria-label={`Threshold (${unit})`}
            title={unit}
            value={draft.threshold}
            onInput={set("threshold")}
          />
          <span>{unit}</span>
        </>
      )}
      {OVER_MINUTES.has(draft.when) && (
        <>
          <span>over</span>
          <input class="short" aria-label="Minutes" title="minutes" value={draft.minutes} onInput={set("minutes")} />
          <span>minutes</span>
        </>
      )}
      <span>tell</span>
      <select aria-label="Tell" value={draft.channel} onChange={set("channel")}>
        <option value="">nobody</option>
        {channels.map(({ id }) => <option key={id}>{id}</option>)}
      </select>
    </>
  );
}

/** Edits the rule's threshold, its period and its channel. */
function ChangeRule({ rule, channels, onChange }: { rule: Rule; channels: Channel[]; onChange(): void }) {
  const [draft, setDraft] = useState<RuleDraft>({
    when: rule.when,
    threshold: String(rule.threshold),
    minutes: String(rule.minutes),
    channel: rule.channels[0] ?? "",
  });
  const attempts = useAttempt();
  if (!canEdit()) return null;
  const path = `alert_rules/${rule.id}`;
  const body = { ...bodyOf(draft), enabled: rule.enabled };
  const save = submitted(attempts, async () => {
    await call("PUT", path, body);
    onChange();
  });
  return (
    <details class="wide">
      <summary aria-label={`Change the rule ${rule.id}`}>Change</summary>
      <form class="row" onSubmit={save}>
        <RuleFields draft={draft} channels={channels} onChange={setDraft} />
        <button type="submit">Save</button>
        <SameByApi method="PUT" path={path} body={body} />
        {attempts.problem && <span role="alert" class="bad">{attempts.problem}</span>}
      </form>
    </details>
  );
}

export function NewRule({ channels, onMade }: { channels: Channel[]; onMade(): void }) {
  const [draft, setDraft] = useState<RuleDraft>({ when: "failing_rate", threshold: "10", minutes: "5", channel: "" });
  const attempts = useAttempt();
  if (!canEdit()) return null;
  const path = `alert_rules/${[draft.when.replaceAll("_", "-"), draft.channel].filter(Boolean).join("-")}`;
  const body = bodyOf(draft);
  const save = submitted(attempts, async () => {
    await call("PUT", path, body);
    onMade();
  });
  return (
    <form class="card row" onSubmit={save}>
      <select
        aria-label="When"
        value={draft.when}
        onChange={(event) => setDraft({ ...draft, when: event.currentTarget.value })}
      >
        {Object.entries(WHEN).map(([each, { words }]) => <option key={each} value={each}>{words}</option>)}
      </select>
      <RuleFields draft={draft} channels={channels} onChange={setDraft} />
      <button type="submit">Add the rule</button>
      <SameByApi method="PUT" path={path} body={body} />
      {attempts.problem && <span role="alert" class="bad">{attempts.problem}</span>}
    </form>
  );
}
