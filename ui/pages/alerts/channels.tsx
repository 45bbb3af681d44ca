/// <reference lib="dom" />
/**
 * The channels by which people are told: webhooks and e-mail.
 * @module
 */

import { useState } from "preact/hooks";
import { call } from "../../lib/api.ts";
import { Action, canEdit, Choice, SameByApi } from "../../lib/parts.tsx";
import { submitted, useAttempt } from "../../lib/use_attempt.ts";

export interface Channel {
  id: string;
  type: string;
}

export function ChannelRow({ channel: { id, type }, onChange }: { channel: Channel; onChange(): void }) {
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

/** The fields of an e-mail channel. */
const MAIL_FIELDS: ChannelField[] = [
  { key: "host", label: "Mail server", placeholder: "smtp.example.com", required: true },
  { key: "port", label: "Port", mode: "numeric", placeholder: "587" },
  { key: "user", label: "User", placeholder: "if it asks for one" },
  { key: "password", label: "Password", isSecret: true },
  { key: "from", label: "From", mode: "email", placeholder: "hogpen@example.com", required: true },
  { key: "to", label: "To", mode: "email", placeholder: "ann@example.com, bob@example.com", required: true },
];

export function NewChannel({ onMade }: { onMade(): void }) {
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
