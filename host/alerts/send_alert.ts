/**
 * Sends an alert by webhook or e-mail.
 * @module
 */

import type { AlertChannel } from "./alert_values.ts";

export interface AlertNotice {
  /** `firing` when the problem begins, `over` when it ends. */
  state: "firing" | "over" | "test";
  rule: string;
  subject: string;
  message: string;
  at: string;
}

const PATIENCE_MS = 15_000;

/** Rejects with the reason if the message was not accepted. */
export async function sendAlert(channel: AlertChannel, notice: AlertNotice): Promise<void> {
  switch (channel.type) {
    case "webhook": {
      const response = await fetch(channel.url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        // Chat programs show `text`.
        body: JSON.stringify({ text: textOf(notice), ...notice }),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`the webhook answered ${response.status}`);
      break;
    }
    case "smtp": {
      const { createTransport } = (await import("nodemailer")).default;
      const { host, port, tls, user, password } = channel;
      const transport = createTransport({
        host,
        port,
        secure: tls,
        ...(user !== undefined && { auth: { user, pass: password ?? "" } }),
        connectionTimeout: PATIENCE_MS,
        greetingTimeout: PATIENCE_MS,
        socketTimeout: PATIENCE_MS,
      });
      try {
        await transport.sendMail({
          from: channel.from,
          to: channel.to.join(", "),
          subject: `[Hogpen] ${textOf(notice).replaceAll(/\s+/g, " ").slice(0, 150)}`,
          text: `${textOf(notice)}\n\nRule ${notice.rule}, ${notice.at}\n`,
        });
      } finally {
        transport.close();
      }
    }
  }
}

function textOf({ state, message }: AlertNotice): string {
  return state === "over" ? `Over: ${message}` : state === "test" ? `Test: ${message}` : message;
}
