/// <reference lib="dom" />
/**
 * What needs somebody, when that is the case, and who is told.
 * @module
 */

import { useState } from "preact/hooks";
import { call } from "../lib/api.ts";
import { Action, Ago, canEdit, Choice, SameByApi, Waiting } from "../lib/parts.tsx";
import { submitted, useAttempt } from "../lib/use_attempt.ts";
import { useWhole } from "../lib/use_data.ts";

interface Alert {
  rule: string;
  subject: string;
  message: string;
  since: string;
}
interface Rule {
  id: string;
  when: string;
  enabled: boolean;
  threshold: number;
  minutes: number;
  channels: string[];
}
interface Channel {
  id: string;
  type: string;
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
};

/** What is looked at over some minutes; the others are true at a moment. */
const OVER_MINUTES = new Set(["failing_rate", "dead_letters", "upstream_away"]);

/** Above every page, as long as something is wrong. */
export function AlertBanner() {
  const { data } = useWhole<Alert>("alerts", ["states", "lag"]);
  const [first, ...others] = data?.results ?? [];
  if (first === undefined) return null;
  return (
    <div class="banner" role="alert">
      {first.message} <Ago time={first.since} />
      {others.length > 0 && ` and ${others.length} more`}. <a href="#/alerts">See the alerts</a>
    </div>
  );
}

export function Alerts() {
  const alerts = useWhole<Alert>("alerts", ["states", "lag"]);
  const rules = useWhole<Rule>("alert_rules");
  const channels = useWhole<Channel>("alert_channels");
  if (!alerts.data || !rules.data || !channels.data) {
    return <Waiting error={alerts.error ?? rules.error ?? channels.error} />;
  }
  return (
    <>
      <h1>Alerts</h1>
      {alerts.data.results.length === 0 && <p class="good">Nothing needs you.</p>}
      {alerts.data.results.map(({ rule, subject, message, since }) => (
        <p key={`${rule} ${subject}`} class="card bad">
          {message} <Ago time={since} />
        </p>
      ))}
      <h2>Rules</h2>
      {rules.data.results.map((rule) => (
        <RuleRow key={rule.id} rule={rule} channels={channels.data?.results ?? []} onChange={rules.again} />
      ))}
      <NewRule channels={channels.data.results} onMade={rules.again} />
      <h2>Who is told</h2>
      {channels.data.results.map((channel) => (
        <ChannelRow key={channel.id} channel={channel} onChange={channels.again} />
      ))}
      {channels.data.results.length === 0 && <p class="soft">Nobody but whoever opens this page.</p>}
      <NewChannel onMade={channels.again} />
    </>
  );
}

function RuleRow({ rule, channels, onChange }: { rule: Rule; channels: Channel[]; onChange(): void }) {
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
    </div>
  );
}

function NewRule({ channels, onMade }: { channels: Channel[]; onMade(): void }) {
  const [when, setWhen] = useState("failing_rate");
  const [threshold, setThreshold] = useState("10");
  const [minutes, setMinutes] = useState("5");
  const [channel, setChannel] = useState("");
  const attempts = useAttempt();
  if (!canEdit()) return null;
  const path = `alert_rules/${[when.replaceAll("_", "-"), channel].filter(Boolean).join("-")}`;
  const unit = WHEN[when]?.unit ?? "";
  const body = {
    when,
    minutes: Number(minutes),
    channels: channel === "" ? [] : [channel],
    ...(unit && { threshold: Number(threshold) }),
  };
  const save = submitted(attempts, async () => {
    await call("PUT", path, body);
    onMade();
  });
  return (
    <form class="card row" onSubmit={save}>
      <select aria-label="When" value={when} onChange={(event) => setWhen(event.currentTarget.value)}>
        {Object.entries(WHEN).map(([each, { words }]) => <option key={each} value={each}>{words}</option>)}
      </select>
      {unit && (
        <input
          class="short"
          aria-label={`Threshold (${unit})`}
          title={unit}
          value={threshold}
          onInput={(event) => setThreshold(event.currentTarget.value)}
        />
      )}
      {unit && <span>{unit}</span>}
      {OVER_MINUTES.has(when) && (
        <>
          <span>over</span>
          <input
            class="short"
            aria-label="Minutes"
            title="minutes"
            value={minutes}
            onInput={(event) => setMinutes(event.currentTarget.value)}
          />
          <span>minutes</span>
        </>
      )}
      <span>tell</span>
      <select aria-label="Tell" value={channel} onChange={(event) => setChannel(event.currentTarget.value)}>
        <option value="">nobody</option>
        {channels.map(({ id }) => <option key={id}>{id}</option>)}
      </select>
      <button type="submit">Add the rule</button>
      <SameByApi method="PUT" path={path} body={body} />
      {attempts.problem && <span role="alert" class="bad">{attempts.problem}</span>}
    </form>
  );
}

function ChannelRow({ channel: { id, type }, onChange }: { channel: Channel; onChange(): void }) {
  const [said, setSaid] = useState("");
  const tell = (answer: unknown) => {
    const { delivered, detail } = answer as { delivered: boolean; detail: string | null };
    setSaid(delivered ? "It was delivered." : `It was not delivered: ${detail}`);
  };
  return (
    <div class="card row">
      <strong>{id}</strong> <span class="soft">{type}</span>
      <Action method="POST" path={`alert_channels/${id}/test`} label={`Test ${id}`} onDone={tell}>Test</Action>
      <Action method="DELETE" path={`alert_channels/${id}`} label={`Delete ${id}`} onDone={onChange}>Delete</Action>
      <span role="status">{said}</span>
    </div>
  );
}

interface ChannelField {
  key: string;
  label: string;
  mode?: "url" | "numeric" | "email";
  isSecret?: true;
  placeholder?: string;
  required?: boolean;
}

/** What e-mail needs to know. */
const MAIL_FIELDS: ChannelField[] = [
  { key: "host", label: "Mail server", placeholder: "smtp.example.com", required: true },
  { key: "port", label: "Port", mode: "numeric", placeholder: "587" },
  { key: "user", label: "User", placeholder: "if it asks for one" },
  { key: "password", label: "Password", isSecret: true },
  { key: "from", label: "From", mode: "email", placeholder: "hogpen@example.com", required: true },
  { key: "to", label: "To", mode: "email", placeholder: "ann@example.com, bob@example.com", required: true },
];

function NewChannel({ onMade }: { onMade(): void }) {
  const [type, setType] = useState("webhook");
  const [given, setGiven] = useState<Record<string, string>>({});
  const attempts = useAttempt();
  if (!canEdit()) return null;
  const set = (key: string) => (event: { currentTarget: { value: string } }) =>
    setGiven({ ...given, [key]: event.currentTarget.value });
  const path = `alert_channels/${encodeURIComponent(given["id"] ?? "name")}`;
  const body = type === "webhook" ? { type, url: given["url"] ?? "" } : mailOf(given);
  const save = submitted(attempts, async () => {
    await call("PUT", path, body);
    onMade();
  });
  const field = ({ key, label, mode, isSecret, placeholder = "", required = false }: ChannelField) => {
    const common = { required, placeholder, value: given[key] ?? "", onInput: set(key) };
    return (
      <label key={key} class="field">
        {label}
        {isSecret
          ? <input type="password" autocomplete="off" {...common} />
          : <input type="text" {...(mode && { inputMode: mode })} {...common} />}
      </label>
    );
  };
  return (
    <form class="card" onSubmit={save}>
      <Choice<string>
        label="How"
        options={[["webhook", "Webhook"], ["smtp", "E-mail"]]}
        chosen={type}
        onChoose={setType}
      />
      {field({ key: "id", label: "Name", placeholder: "on-call", required: true })}
      {type === "webhook"
        ? field({ key: "url", label: "Address", mode: "url", placeholder: "https://…", required: true })
        : MAIL_FIELDS.map(field)}
      {type === "smtp" && (
        <label class="check">
          <input
            type="checkbox"
            checked={given["tls"] === "yes"}
            onChange={() => setGiven({ ...given, tls: given["tls"] === "yes" ? "" : "yes" })}
          />
          TLS from the first byte, as on port 465
        </label>
      )}
      <div class="row">
        <button type="submit">Add</button>
        <SameByApi method="PUT" path={path} body={{ ...body, ...("password" in body && { password: "…" }) }} />
        {attempts.problem && <span role="alert" class="bad">{attempts.problem}</span>}
      </div>
    </form>
  );
}

function mailOf({ host = "", port, tls, user, password, from = "", to = "" }: Record<string, string>) {
  return {
    type: "smtp",
    host,
    ...(port && { port: Number(port) }),
    ...(tls === "yes" && { tls: true }),
    ...(user && { user }),
    ...(password && { password }),
    from,
    to: to.split(",").map((address) => address.trim()).filter((address) => address !== ""),
  };
}
