/**
 * Limits how many events and bytes a second a project and an address may send, with an allowance for bursts.
 * @module
 */

import { createTokenBucket, type TokenBucket } from "../../token_bucket.ts";
import { tooMany } from "../capture_error.ts";

/** Events and bytes per second; null means unlimited. */
export interface Rate {
  events: number | null;
  bytes: number | null;
}

export interface RateLimitOptions {
  project: Rate;
  address: Rate;
  /** How many seconds' worth of a rate may arrive at once. */
  burstSeconds: number;
  now: () => number;
}

export interface RateLimits {
  /** Called before a request is read. Throws 429 while the address is over its limit. */
  checkAddress(address: string): void;
  /**
   * Takes a request's events and bytes from both allowances, or throws 429 and takes nothing. A request larger than a
   * burst passes when the allowance is full, and those after it wait longer.
   */
  take(projectId: number, address: string, events: number, bytes: number): void;
}

/**
 * The most addresses that are remembered. The one that has been silent longest is forgotten first, together with what
 * it owes.
 */
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
    // The last entry of the map is the address that sent most recently.
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
