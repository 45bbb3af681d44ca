/**
 * Drops events by the value of one property.
 * @module
 */

import type { Meta, PluginEvent } from "@posthog/plugin-scaffold";

type Condition = (value: unknown) => boolean;
type DropByProperty = {
  config: { property: string; operator: string; value: string; action: string };
  global: { meets: Condition };
};

export function setupPlugin({ config, global }: Meta<DropByProperty>): void {
  if (!config.property) throw new Error('Cannot drop events: "Property" is empty');
  global.meets = createCondition(config.operator, config.value ?? "");
}

export function processEvent(event: PluginEvent, { config, global }: Meta<DropByProperty>): PluginEvent | null {
  const meets = global.meets(read(event, config.property));
  return meets === (config.action === "Keep only them") ? event : null;
}

function read(event: PluginEvent, property: string): unknown {
  if (property === "event" || property === "distinct_id") return event[property];
  return event.properties?.[property];
}

function createCondition(operator: string, value: string): Condition {
  const values = value.split(",").map((part) => part.trim());
  const isSet: Condition = (found) => found !== undefined && found !== null && found !== "";
  const equals: Condition = (found) => isSet(found) && values.includes(asText(found));
  const contains: Condition = (found) => isSet(found) && values.some((part) => asText(found).includes(part));
  switch (operator) {
    case "is set":
      return isSet;
    case "is not set":
      return (found) => !isSet(found);
    case "equals":
      return equals;
    case "does not equal":
      return (found) => !equals(found);
    case "contains":
      return contains;
    case "does not contain":
      return (found) => !contains(found);
    case "matches": {
      const pattern = new RegExp(value);
      return (found) => isSet(found) && pattern.test(asText(found));
    }
    case "is greater than":
    case "is less than":
      return createComparison(operator, value);
    default:
      throw new Error(`Cannot drop events: expected a known "Condition", got "${operator}"`);
  }
}

function createComparison(operator: string, value: string): Condition {
  const bound = Number(value);
  if (value.trim() === "" || Number.isNaN(bound)) {
    throw new Error(`Cannot drop events: expected "Value" to be a number for "${operator}", got "${value}"`);
  }
  const sign = operator === "is greater than" ? 1 : -1;
  return (found) => {
    const isNumber = typeof found === "number" || (typeof found === "string" && found.trim() !== "");
    return isNumber && (Number(found) - bound) * sign > 0;
  };
}

function asText(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
