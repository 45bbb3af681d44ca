/**
 * Translates `/i/v0/ai`: a multipart form with an event about a model, whose JSON is in the part `event` and whose
 * large values are in parts of their own.
 * @module
 */

import { isRecord } from "../../../runtime/is_record.ts";
import { readBody } from "../body/read_body.ts";
import { parseJson } from "../body/parse_json.ts";
import { invalidPayload, unauthorized } from "../capture_error.ts";
import { requestOf, type Translate } from "./translate.ts";

const PROPERTIES = "event.properties";

export const translateAiEvent: Translate = async (request, maxBytes, admit) => {
  const token = /^Bearer\s+(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (token === undefined) {
    throw unauthorized("missing_api_key", "API key not provided: expected a header `Authorization: Bearer phc_…`.");
  }
  await admit(maxBytes);
  const form = await readForm(request, maxBytes);
  let event: Record<string, unknown> | undefined;
  const properties: Record<string, unknown> = {};
  for (const [name, part] of form) {
    const text = typeof part === "string" ? part : await part.text();
    if (name === "event") event = readRecord(text, name);
    else if (name === PROPERTIES) Object.assign(properties, readRecord(text, name));
    else if (name.startsWith(`${PROPERTIES}.`)) properties[name.slice(PROPERTIES.length + 1)] = readValue(part, text);
    else throw invalidPayload(`Invalid payload: Unknown multipart field "${name.slice(0, 100)}"!`);
  }
  if (event === undefined) throw invalidPayload('Invalid payload: Expected a part "event" with the event as JSON!');
  const own = isRecord(event.properties) ? event.properties : {};
  return requestOf(request, { ...event, properties: { ...own, ...properties }, token });
};

async function readForm(request: Request, maxBytes: number): Promise<FormData> {
  const type = request.headers.get("content-type") ?? "";
  const bytes = await readBody(request, maxBytes);
  try {
    return await new Response(new Uint8Array(bytes), { headers: { "content-type": type } }).formData();
  } catch {
    throw invalidPayload("Malformed request data: expected a body of the type multipart/form-data");
  }
}

function readRecord(text: string, part: string): Record<string, unknown> {
  const value = parseJson(text);
  if (isRecord(value)) return value;
  throw invalidPayload(`Invalid payload: Expected a JSON object in the part "${part}"!`);
}

/** The type of a part says whether it is JSON. */
function readValue(part: FormDataEntryValue, text: string): unknown {
  return part instanceof File && /\bjson\b/.test(part.type) ? parseJson(text) : text;
}
