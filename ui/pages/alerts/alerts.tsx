/// <reference lib="dom" />
/**
 * What needs attention, and who is told about it.
 * @module
 */

import { Ago, Waiting } from "../../lib/parts.tsx";
import { useWhole } from "../../lib/use_data.ts";
import { type Channel, ChannelRow, NewChannel } from "./channels.tsx";
import { NewRule, type Rule, RuleRow } from "./rules.tsx";

interface Alert {
  rule: string;
  subject: string;
  message: string;
  since: string;
}
/** Shown above every page as long as something is wrong. */
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
