/**
 * The HTTP API of Segment and RudderStack, for users who migrate: their SDKs send to `/v1/…`, with a project's token as
 * the write key. Calls become the events that PostHog's own integration with Segment makes of them.
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { isRecord } from "../../../runtime/is_record.ts";
import { parseUuid } from "../../../runtime/events/uuid.ts";
import { readPayload } from "../body/read_payload.ts";
import { isSentEvents } from "../body/sent_events.ts";
import { invalidPayload } from "../capture_error.ts";
import { requestOf, type Translate } from "./translate.ts";

type Call = Record<string, unknown>;
type Properties = Record<string, unknown>;

/** What a call becomes. */
interface Meaning {
  event: string;
  properties?: Properties;
}

/** By the call's type. */
const MEANINGS: Record<string, (call: Call) => Meaning> = {
  track: ({ event, properties }) => ({ event: textOf(event), properties: recordOf(properties) }),
  identify: ({ userId, anonymousId, traits }) =>
    userId
      ? { event: "$identify", properties: { $set: recordOf(traits), $anon_distinct_id: anonymousId } }
      : { event: "$set", properties: { $set: recordOf(traits) } },
  page: ({ name, category, properties }) => {
    const { url, ...rest } = recordOf(properties);
    return {
      event: "$pageview",
      properties: { name, category, ...rest, ...(url !== undefined && { $current_url: url }) },
    };
  },
  screen: ({ name, properties }) => ({ event: "$screen", properties: { ...recordOf(properties), $screen_name: name } }),
  group: ({ groupId, traits }) => ({
    event: "$groupidentify",
    properties: { $group_type: GROUP_TYPE, $group_key: groupId, $group_set: recordOf(traits) },
  }),
  alias: ({ previousId }) => ({ event: "$create_alias", properties: { alias: previousId } }),
};

/** The only group type that PostHog's integration with Segment knows. */
const GROUP_TYPE = "segment_group";

/** Properties by their path in `context`. */
const CONTEXT: [path: string, property: string][] = [
  ["ip", "$ip"],
  ["page.url", "$current_url"],
  ["page.path", "$pathname"],
  ["page.referrer", "$referrer"],
  ["page.title", "title"],
  ["userAgent", "$raw_user_agent"],
  ["locale", "$locale"],
  ["timezone", "$timezone"],
  ["os.name", "$os"],
  ["os.version", "$os_version"],
  ["device.type", "$device_type"],
  ["device.model", "$device_model"],
  ["device.manufacturer", "$device_manufacturer"],
  ["app.name", "$app_name"],
  ["app.version", "$app_version"],
  ["screen.width", "$screen_width"],
  ["screen.height", "$screen_height"],
  ["library.name", "$lib"],
  ["library.version", "$lib_version"],
];

/** The path tells the type of a call that does not name it; browser SDKs use only the first letter. */
const CALLS = ["batch", "import", "track", "identify", "page", "screen", "group", "alias"];
export const SEGMENT_PATHS = [...new Set(CALLS.flatMap((name) => [`/v1/${name}`, `/v1/${name[0]}`]))];

export const translateSegment: Translate = async (request, maxBytes, admit) => {
  const { searchParams, pathname } = new URL(request.url);
  const { data } = await readPayload(request, searchParams, maxBytes, admit);
  if (!isRecord(data)) throw invalidPayload("Invalid payload: Expected a call or a batch of calls!");
  const isBatch = isSentEvents(data.batch);
  const name = pathname.replace(/\/+$/, "").split("/").at(-1) ?? "";
  const type = CALLS.slice(2).find((call) => call === name || call[0] === name) ?? "";
  const batch = Array.from(
    isSentEvents(data.batch) ? data.batch : [data],
    (call) => toEvent(isRecord(call) ? call : {}, type, isBatch ? recordOf(data.context) : {}),
  );
  return requestOf(request, { api_key: writeKeyOf(request, data), batch, sent_at: data.sentAt });
};

function toEvent(call: Call, typeByPath: string, sharedContext: Properties): Record<string, unknown> {
  const type = textOf(call.type) || typeByPath;
  const meaning = Object.hasOwn(MEANINGS, type) ? MEANINGS[type] : undefined;
  if (meaning === undefined) {
    const expected = Object.keys(MEANINGS).join(", ");
    throw invalidPayload(
      `Invalid payload: found a call of the type "${type.slice(0, 40)}", expected one of ${expected}!`,
    );
  }
  const { event, properties } = meaning(call);
  const id = textOf(call.messageId);
  return {
    event,
    distinct_id: type === "alias" ? call.userId : call.userId || call.anonymousId,
    timestamp: call.timestamp ?? call.originalTimestamp,
    ...(id !== "" && { uuid: parseUuid(id) ?? uuidOf(id) }),
    properties: { ...propertiesOf({ ...sharedContext, ...recordOf(call.context) }), ...properties },
  };
}

function propertiesOf(context: Properties): Properties {
  const properties: Properties = { $lib: "segment" };
  for (const [path, property] of CONTEXT) {
    const value = path.split(".").reduce<unknown>((at, key) => isRecord(at) ? at[key] : undefined, context);
    if (value !== undefined && value !== null) properties[property] = value;
  }
  for (const [key, value] of Object.entries(recordOf(context.campaign))) {
    properties[`utm_${key === "name" ? "campaign" : key}`] = value;
  }
  if (context.groupId) properties.$groups = { [GROUP_TYPE]: context.groupId };
  return properties;
}

/** The write key, from the user name of HTTP basic authentication or from the body. */
function writeKeyOf(request: Request, data: Call): string {
  const basic = /^Basic\s+(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  const [name = ""] = Buffer.from(basic ?? "", "base64").toString().split(":", 1);
  return name || textOf(data.writeKey);
}

/** The same text gives the same uuid, so that a repeated call is the same event. */
function uuidOf(text: string): string {
  const bytes = createHash("sha256").update(text).digest();
  bytes[6] = (bytes[6] ?? 0) & 0x0f | 0x80;
  bytes[8] = (bytes[8] ?? 0) & 0x3f | 0x80;
  return parseUuid(bytes.subarray(0, 16).toString("hex")) ?? "";
}

function recordOf(value: unknown): Properties {
  return isRecord(value) ? value : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
