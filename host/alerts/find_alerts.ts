/**
 * Applies the rules to what is observed and returns what is wrong now. It is a pure function, so that the meaning of
 * each rule can be tested.
 * @module
 */

import type { ConsumerStatus } from "../consumers/consumer_status.ts";
import type { PluginStatus } from "../cells/plugin_runtime.ts";
import type { AlertRule } from "./alert_values.ts";

/** What the rules are applied to. */
export interface Observed {
  plugins(): { id: number; teamId: number; name: string; status: Pick<PluginStatus, "state" | "reason"> }[];
  consumers(): Promise<Pick<ConsumerStatus, "id" | "project" | "lag" | "lastError" | "state">[]>;
  /** The events of each plugin config within the last `minutes`. */
  events(minutes: number): Promise<Map<number, { in: number; failed: number }>>;
  /** The size of the event log on this host's disk; null if the log is elsewhere. */
  log(): { used: number; max: number } | null;
  /** The upstreams that do not answer. */
  outages(): { host: string; since: number; failed: number; message: string }[];
  /** The projects with plugins or destinations that cannot be opened here. */
  unreadable(): { teamId: number; names: string; reason: string }[];
  /** The partitions of the log that no live host owns, and since when. */
  unowned(): Promise<{ topic: "inbox" | "outbox"; partitions: number[]; all: number; since: number }[]>;
  now(): number;
  /** The dead letters of the last `minutes`, by project. */
  deadLetters(minutes: number): Promise<{ teamId: number; consumer: string; count: number }[]>;
}

/** One problem with one subject. */
export interface Finding {
  rule: string;
  /** For example `plugin_configs/39` or `consumers/onEvent:39`. */
  subject: string;
  teamId: number;
  message: string;
}

/** A rate of fewer events than this means nothing. */
const FEW_EVENTS = 20;

export async function findAlerts(rules: readonly AlertRule[], observed: Observed): Promise<Finding[]> {
  const found = await Promise.all(rules.filter(({ enabled }) => enabled).map((rule) => check(rule, observed)));
  return found.flat().filter(({ rule: id, teamId }) => {
    const project = rules.find((rule) => rule.id === id)?.team_id ?? null;
    return project === null || project === teamId;
  });
}

async function check(rule: AlertRule, observed: Observed): Promise<Finding[]> {
  const finding = (subject: string, teamId: number, message: string): Finding => ({
    rule: rule.id,
    subject,
    teamId,
    message,
  });
  switch (rule.when) {
    case "plugin_disabled":
      return observed.plugins().filter(({ status }) => status.state === "disabled").map((
        { id, teamId, name, status },
      ) =>
        finding(`plugin_configs/${id}`, teamId, `${name} (${id}) is disabled: ${status.reason ?? "no reason is known"}`)
      );
    case "failing_rate": {
      const counts = await observed.events(rule.minutes);
      return observed.plugins().flatMap(({ id, teamId, name }) => {
        const { in: all = 0, failed = 0 } = counts.get(id) ?? {};
        const percent = Math.round(100 * failed / Math.max(1, all));
        if (all < FEW_EVENTS || percent < rule.threshold) return [];
        const message = `${name} (${id}) failed for ${percent} % of ${all} events in ${rule.minutes} min`;
        return [finding(`plugin_configs/${id}`, teamId, message)];
      });
    }
    case "lag":
      return (await observed.consumers()).filter(({ lag }) => lag.seconds >= rule.threshold).map(
        ({ id, project, lag, lastError }) => {
          const why = lastError === null ? "" : `: ${lastError.message}`;
          const seconds = Math.round(lag.seconds);
          return finding(`consumers/${id}`, project, `${id} is ${lag.events} events and ${seconds} s behind${why}`);
        },
      );
    case "dead_letters":
      return (await observed.deadLetters(rule.minutes)).filter(({ count }) => count >= rule.threshold).map((group) =>
        finding(
          `consumers/${group.consumer}`,
          group.teamId,
          `${group.consumer} gave up on ${group.count} events in ${rule.minutes} min`,
        )
      );
    case "log_full": {
      const size = observed.log();
      const percent = size === null ? 0 : Math.round(100 * size.used / size.max);
      if (size === null || percent < rule.threshold) return [];
      const message = `The event log is ${percent} % full (${inGb(size.used)} of ${
        inGb(size.max)
      } GB): at 100 % events are refused`;
      return [finding("log", 0, message)];
    }
    case "upstream_away":
      return observed.outages().filter(({ since }) => observed.now() - since >= rule.minutes * 60_000).map((outage) => {
        const minutes = Math.round((observed.now() - outage.since) / 60_000);
        const message =
          `${outage.host} has not answered for ${minutes} min (${outage.failed} requests): ${outage.message}`;
        return finding(`upstreams/${outage.host}`, 0, message);
      });
    case "events_wait":
      return [
        ...observed.unreadable().map(({ teamId, names, reason }) =>
          finding(`projects/${teamId}`, teamId, `Events of project ${teamId} wait for ${names}: ${reason}`)
        ),
        ...(await observed.unowned()).filter(({ since }) => observed.now() - since >= rule.minutes * 60_000).map((
          { topic, partitions, all },
        ) => finding(`partitions/${topic}`, 0, describeUnowned(topic, partitions.length, all))),
      ];
    case "consumer_failing":
      return (await observed.consumers()).filter(({ state, lastError }) => state === "waiting" && lastError !== null)
        .map((consumer) =>
          finding(
            `consumers/${consumer.id}`,
            consumer.project,
            `${consumer.id} cannot deliver: ${consumer.lastError?.message}`,
          )
        );
  }
}

function describeUnowned(topic: "inbox" | "outbox", count: number, all: number): string {
  const [missing, role] = topic === "inbox" ? ["passes the plugins", "route"] : ["is delivered", "consume"];
  return `No host owns ${count} of ${all} partitions of the ${topic}, so that nothing in them ${missing}: start a host ` +
    `with HOGPEN_ROLE=${role} or all`;
}

function inGb(bytes: number): string {
  return (bytes / 1024 ** 3).toFixed(1);
}
