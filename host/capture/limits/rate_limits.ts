/**
 * How much a project, and an address, may send: events and bytes a second, with an allowance for bursts.
 * @module
 */

import { createTokenBucket, type TokenBucket } from "../../token_bucket.ts";
import { tooMany } from "../capture_error.ts";

/** A second; null: as much as they like. */
export interface Rate {
  events: number | null;
  bytes: number | null;
}

export interface RateLimitOptions {
  project: Rate;
  address: Rate;
  /** Seconds' worth of a rate that may come at once. */
  burstSeconds: number;
  now: () => number;
}

export interface RateLimits {
  /** Before a request is read. Throws 429 while the address owes for what it sent. */
  checkAddress(address: string): void;
  /**
   * Takes what a request has from the allowances of both, or throws 429 and takes nothing. A request that is larger than a burst passes
   * when nothing was sent for a while, and those after it wait for longer.
   */
  take(projectId: number, address: string, events: number, bytes: number): void;
}

/** Addresses that are remembered; those that have not sent for the longest time are forgotten, with what they owe. */
const MOST_ADDRESSES = 50_000;

interface Allowance {
  events: TokenBucket | null;
  bytes: TokenBucket | null;
}

export function createRateLimits({ project, address, burstSeconds, now }: RateLimitOptions): RateLimits {
  const projects = new Map<number, Allowance>();
  const addresses = new Map<string, Allowance>();
  const bucket = (perSecond: number | null) =>
    perSecond === null ? null : createTokenBucket(perSecond, perSecond * burstSeconds, now);
  const allowance = (rate: Rate): Allowance => ({ events: bucket(rate.events), bytes: bucket(rate.bytes) });
  const isLimited = (rate: Rate) => rate.events !== null || rate.bytes !== null;

  function ofProject(id: number): Allowance | null {
    if (!isLimited(project)) return null;
    let own = projects.get(id);
    if (own === undefined) projects.set(id, own = allowance(project));
    return own;
  }

  function ofAddress(client: string): Allowance | null {
    if (!isLimited(address)) return null;
    const own = addresses.get(client) ?? allowance(address);
    // The last one in the map is the one that sent last.
    addresses.delete(client);
    addresses.set(client, own);
    const [oldest] = addresses.keys();
    if (addresses.size > MOST_ADDRESSES && oldest !== undefined) addresses.delete(oldest);
    return own;
  }

  return {
    checkAddress(client) {
      const own = ofAddress(client);
      if (own !== null) refuseFor("This address", waitOf(own, 1, 1));
    },
    take(projectId, client, events, bytes) {
      const [ours, theirs] = [ofProject(projectId), ofAddress(client)];
      if (theirs !== null) refuseFor("This address", waitOf(theirs, events, bytes));
      if (ours !== null) refuseFor("This project", waitOf(ours, events, bytes));
      for (const own of [ours, theirs]) {
        own?.events?.take(events);
        own?.bytes?.take(bytes);
      }
    },
  };
}

function waitOf({ events, bytes }: Allowance, eventCount: number, byteCount: number): number {
  return Math.max(events?.waitFor(eventCount) ?? 0, bytes?.waitFor(byteCount) ?? 0);
}

function refuseFor(who: string, waitMs: number): void {
  if (waitMs > 0) throw tooMany(`${who} sent more than it may. Send it again later`, Math.ceil(waitMs / 1000));
}
