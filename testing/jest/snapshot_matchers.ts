/**
 * The matchers of `expect` that compare with snapshots.
 * @module
 */

import { diff } from "jest-diff";
import { expect } from "expect";
import type { SnapshotAnswer, Snapshots } from "./snapshots.ts";

interface MatcherState {
  currentTestName?: string;
  isNot?: boolean;
  promise?: string;
  equals(a: unknown, b: unknown, testers?: unknown[]): boolean;
  utils: { iterableEquality: unknown; subsetEquality: unknown };
}

type Result = { pass: boolean; message(): string };

/** Makes `expect` know them, for this file. */
export function addSnapshotMatchers(snapshots: Snapshots): void {
  expect.extend(
    {
      toMatchSnapshot(this: MatcherState, received: unknown, first?: unknown, second?: string) {
        const [properties, hint] = typeof first === "string" ? [undefined, first] : [first, second];
        return withProperties(this, received, properties, (value) => snapshots.match(nameOf(this), value, hint));
      },
      toMatchInlineSnapshot(this: MatcherState, received: unknown, first?: unknown, second?: string) {
        const stack = stackHere();
        const [properties, inline] = typeof first === "string" ? [undefined, first] : [first, second];
        return withProperties(
          this,
          received,
          properties,
          (value) => snapshots.matchInline(nameOf(this), value, inline, stack),
        );
      },
      toThrowErrorMatchingSnapshot(this: MatcherState, received: unknown, hint?: string) {
        return answer(snapshots.match(nameOf(this), messageOf(this, received), hint));
      },
      toThrowErrorMatchingInlineSnapshot(this: MatcherState, received: unknown, inline?: string) {
        return answer(snapshots.matchInline(nameOf(this), messageOf(this, received), inline, stackHere()));
      },
    } as unknown as Parameters<typeof expect.extend>[0],
  );
}

function nameOf({ currentTestName, isNot }: MatcherState): string {
  if (isNot) throw new Error("Snapshot matchers cannot be used with not");
  return currentTestName ?? "";
}

/** Property matchers are compared first, and stand in the snapshot in the place of what they stand for. */
function withProperties(
  state: MatcherState,
  received: unknown,
  properties: unknown,
  match: (value: unknown) => SnapshotAnswer,
): Result {
  if (properties === undefined) return answer(match(received));
  const { iterableEquality, subsetEquality } = state.utils;
  if (!state.equals(received, properties, [iterableEquality, subsetEquality])) {
    return { pass: false, message: () => `Snapshot properties do not match:\n${diff(properties, received) ?? ""}` };
  }
  return answer(match(merge(received, properties)));
}

function merge(value: unknown, properties: unknown): unknown {
  if (Array.isArray(value) && Array.isArray(properties)) {
    return value.map((each, index) => index in properties ? merge(each, properties[index]) : each);
  }
  if (!isPlain(value) || !isPlain(properties)) return properties;
  const merged: Record<string, unknown> = { ...value };
  for (const [key, property] of Object.entries(properties)) {
    merged[key] = isPlain(property) || Array.isArray(property) ? merge(merged[key], property) : property;
  }
  return merged;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !("$$typeof" in value) && !Array.isArray(value);
}

function messageOf({ promise }: MatcherState, received: unknown): unknown {
  if (promise === "rejects" || typeof received !== "function") return (received as Error | null)?.message;
  try {
    received();
  } catch (error) {
    return (error as Error | null)?.message ?? error;
  }
  throw new Error("Received function did not throw");
}

function answer({ pass, expected, received, reason }: SnapshotAnswer): Result {
  return { pass, message: () => reason ?? `Snapshot does not match:\n${diff(expected, received) ?? ""}` };
}

function stackHere(): string {
  return new Error().stack ?? "";
}
