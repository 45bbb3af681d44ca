/**
 * Keeps the rules and channels of alerts, and checks every ten seconds what is wrong. People are told when a problem
 * begins and when it ends.
 * @module
 */

import type { Seal } from "../managed/seal.ts";
import type { NewAuditEntry, Thing, Things } from "../store/things.ts";
import { type AlertChannel, alertChannel, type AlertRule, alertRule, DEFAULT_RULES } from "./alert_values.ts";
import { findAlerts, type Finding, type Observed } from "./find_alerts.ts";
import { type AlertNotice, sendAlert } from "./send_alert.ts";

export interface ActiveAlert extends Finding {
  since: number;
}

export interface AlertBook extends Disposable {
  active(): ActiveAlert[];
  rules(): Promise<AlertRule[]>;
  channels(): Promise<AlertChannel[]>;
  putRule(rule: AlertRule, actor: string): Promise<void>;
  putChannel(channel: AlertChannel, actor: string): Promise<void>;
  /** False if there was no such rule or channel. */
  remove(kind: "rule" | "channel", id: string, actor: string): Promise<boolean>;
  /** Rejects with the reason if the channel did not accept the message. */
  test(id: string): Promise<void>;
  /** Checks the rules now. */
  look(): Promise<void>;
}

export interface AlertBookOptions {
  things: Things;
  seal: Seal;
  observed: Observed;
  now: () => number;
  onError(message: string): void;
  /** Replaces the real channels in tests. */
  send?(channel: AlertChannel, notice: AlertNotice): Promise<void>;
}

const EVERY_MS = 10_000;
const KINDS = { rule: "alert_rule", channel: "alert_channel" } as const;

export function createAlertBook(options: AlertBookOptions): AlertBook {
  const { things, seal, observed, now, onError, send = sendAlert } = options;
  const active = new Map<string, ActiveAlert>();
  let looking = Promise.resolve();

  async function rules(): Promise<AlertRule[]> {
    const own = (await things.list(KINDS.rule)).map(({ value }) => alertRule.parse(JSON.parse(value)));
    return [...DEFAULT_RULES.filter(({ id }) => !own.some((rule) => rule.id === id)), ...own];
  }

  function openChannel({ id, value }: Thing): AlertChannel {
    return alertChannel.parse(JSON.parse(seal.open(value, `${KINDS.channel}/${id}`)));
  }

  async function tell(alert: ActiveAlert, state: AlertNotice["state"], rule: AlertRule | undefined): Promise<void> {
    for (const id of rule?.channels ?? []) {
      const thing = await things.get(KINDS.channel, id);
      if (thing === null) continue;
      const notice = {
        state,
        rule: alert.rule,
        subject: alert.subject,
        message: alert.message,
        at: new Date(now()).toISOString(),
      };
      await send(openChannel(thing), notice).catch((error) =>
        onError(`Cannot tell ${id} of an alert: ${error.message}`)
      );
    }
  }

  async function lookNow(): Promise<void> {
    const all = await rules();
    const found = new Map((await findAlerts(all, observed)).map((each) => [`${each.rule} ${each.subject}`, each]));
    for (const [key, finding] of found) {
      const known = active.get(key);
      active.set(key, { ...finding, since: known?.since ?? now() });
      if (known === undefined) {
        await tell(
          { ...finding, since: now() },
          "firing",
          all.find(({ id }) => id === finding.rule),
        );
      }
    }
    for (const [key, alert] of active) {
      if (found.has(key)) continue;
      active.delete(key);
      await tell(alert, "over", all.find(({ id }) => id === alert.rule));
    }
  }

  function look(): Promise<void> {
    return looking = looking.then(() =>
      lookNow().catch((error) => onError(`Cannot look for alerts: ${error.message}`))
    );
  }

  function entry(actor: string, action: string, target: string, after: unknown): NewAuditEntry {
    return { actor, action, target, before: null, after: after === null ? null : JSON.stringify(after) };
  }

  const timer = setInterval(() => void look(), EVERY_MS);
  return {
    active: () => [...active.values()].sort((a, b) => b.since - a.since),
    rules,
    channels: async () => (await things.list(KINDS.channel)).map(openChannel),
    async putRule(rule, actor) {
      const change = { kind: KINDS.rule, id: rule.id, value: JSON.stringify(rule) };
      await things.change([change], [entry(actor, "put", `alert_rules/${rule.id}`, rule)]);
    },
    async putChannel(channel, actor) {
      const { id, type } = channel;
      const value = seal.close(JSON.stringify(channel), `${KINDS.channel}/${id}`);
      await things.change([{ kind: KINDS.channel, id, value }], [
        entry(actor, "put", `alert_channels/${id}`, { type }),
      ]);
    },
    async remove(kind, id, actor) {
      if (await things.get(KINDS[kind], id) === null) return false;
      const change = { kind: KINDS[kind], id, value: null };
      await things.change([change], [entry(actor, "delete", `${KINDS[kind]}s/${id}`, null)]);
      return true;
    },
    async test(id) {
      const thing = await things.get(KINDS.channel, id);
      if (thing === null) throw new RangeError(`There is no channel ${id}`);
      const at = new Date(now()).toISOString();
      await send(openChannel(thing), {
        state: "test",
        rule: "test",
        subject: "test",
        message: "Alerts arrive here",
        at,
      });
    },
    look,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
