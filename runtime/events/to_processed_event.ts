/**
 * Converts an event of the outbox to the form in which onEvent, onSnapshot and exportEvents receive it.
 * @module
 */

import { parseElementsChain } from "./elements_chain.ts";
import type { Element, OutboxEvent, ProcessedPluginEvent } from "./event.ts";
import { isRecord } from "../is_record.ts";
import { personProperties } from "./person_properties.ts";

const MAX_TEXT_LENGTH = 400;
const MAX_HREF_LENGTH = 2048;

/**
 * Does not change the given event. `$elements` or `$elements_chain` becomes `elements`, and fields that are not part of
 * a processed event are left out.
 */
export function toProcessedEvent(event: OutboxEvent): ProcessedPluginEvent {
  const { $elements, ...properties } = event.properties;
  const { set, setOnce } = personProperties({ properties });
  return {
    uuid: event.uuid,
    event: event.event,
    distinct_id: event.distinct_id,
    team_id: event.team_id,
    ip: event.ip,
    properties,
    timestamp: event.timestamp,
    ...(set && { $set: set }),
    ...(setOnce && { $set_once: setOnce }),
    elements: Array.isArray($elements)
      ? $elements.filter(isRecord).map(toElement)
      : typeof properties.$elements_chain === "string"
      ? parseElementsChain(properties.$elements_chain)
      : [],
  };
}

/** posthog-js uses the names `$el_text` and `attr__…`; plugins know the names used here. */
function toElement(element: Record<string, unknown>, order: number): Element {
  const text = element.$el_text ?? element.text;
  const attributes = Object.fromEntries(Object.entries(element).filter(([name]) => name.startsWith("attr__")));
  return {
    ...(typeof text === "string" ? { text: text.slice(0, MAX_TEXT_LENGTH) } : {}),
    ...(typeof element.tag_name === "string" ? { tag_name: element.tag_name } : {}),
    ...(typeof element.attr__href === "string" ? { href: element.attr__href.slice(0, MAX_HREF_LENGTH) } : {}),
    ...(typeof element.attr__id === "string" ? { attr_id: element.attr__id } : {}),
    ...classOf(element.attr__class),
    ...(typeof element.nth_child === "number" ? { nth_child: element.nth_child } : {}),
    ...(typeof element.nth_of_type === "number" ? { nth_of_type: element.nth_of_type } : {}),
    attributes,
    order,
  };
}

function classOf(value: unknown): { attr_class?: string[] } {
  if (typeof value === "string") return { attr_class: value.split(" ").filter((name) => name !== "") };
  return Array.isArray(value) ? { attr_class: value.filter((name) => typeof name === "string") } : {};
}
