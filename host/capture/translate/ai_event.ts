/**
 * Translates `/i/v0/ai`: a multipart form with an event about a model, whose JSON is in the part `event` and whose
 * large values are in parts of their own.
 * @module
 */

import { isRecord } from "../../../runtime/is_record.ts";
import { measureJson } from "../body/measure_json.ts";
import { readBody } from "../body/read_body.ts";
import { splitMultipart } from "../body/multipart.ts";
import { decodeText, parseJson } from "../body/parse_json.ts";
import { invalidPayload, unauthorized } from "../capture_error.ts";
import { requestOf, type Translate } from "./translate.ts";

const PROPERTIES = "event.properties";

export const translateAiEvent: Translate = async (request, maxBytes, admit) => {
  const token = /^Bearer\s+(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (token === undefined) {
    throw unauthorized("missing_api_key", "API key not provided: expected a header `Authorization: Bearer phc_…`.");
  }
  await admit(maxBytes);
  const parts = await readParts(request, maxBytes);
  // All together, since each may hold as many values as a request may.
  await measureJson(`[${parts.filter(({ isJson }) => isJson).map(({ text }) => text).join()}]`);
  let event: Record<string, unknown> | undefined;
  const properties: Record<string, unknown> = {};
  for (const { name, text, isJson } of parts) {
    if (name === "event") event = readRecord(text, name);
    else if (name === PROPERTIES) Object.assign(properties, readRecord(text, name));
    else if (name.startsWith(`${PROPERTIES}.`)) {
      properties[name.slice(PROPERTIES.length + 1)] = isJson ? parseJson(text) : text;
    } else throw invalidPayload(`Invalid payload: Unknown multipart field "${name.slice(0, 100)}"!`);
  }
  if (event === undefined) throw invalidPayload('Invalid payload: Expected a part "event" with the event as JSON!');
  const own = isRecord(event.properties) ? event.properties : {};
  return requestOf(request, { ...event, properties: { ...own, ...properties }, token });
};

interface Part {
  name: string;
  text: string;
  isJson: boolean;
}

/** The type of a part says whether it is JSON, and so do the names of two. */
async function readParts(request: Request, maxBytes: number): Promise<Part[]> {
  const contentType = request.headers.get("content-type") ?? "";
  const body = await readBody(request, maxBytes);
  if (!/^multipart\/form-data\b/i.test(contentType)) {
    throw invalidPayload("Malformed request data: expected a body of the type multipart/form-data");
  }
  return splitMultipart(body, contentType).map(({ name, type, bytes }) => ({
    name,
    text: decodeText(bytes),
    isJson: name === "event" || name === PROPERTIES || /\bjson\b/.test(type),
  }));
}

function readRecord(text: string, part: string): Record<string, unknown> {
  const value = parseJson(text);
  if (isRecord(value)) return value;
  throw invalidPayload(`Invalid payload: Expected a JSON object in the part "${part}"!`);
}
