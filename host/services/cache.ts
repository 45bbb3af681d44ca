/**
 * The host's side of `meta.cache`: plain commands on the shared cache, under the plugin config's own key prefix. JSON,
 * defaults and the wording of argument errors belong to the sandbox.
 * @module
 */

import { z } from "zod";
import type { Cache } from "../cache/cache.ts";
import { checkArguments, text } from "./check_arguments.ts";
import type { PluginIdentity } from "./plugin_identity.ts";
import type { ServiceLimits } from "./limits/service_limits.ts";
import type { PluginServices } from "./services.ts";

type CacheServices = Pick<
  PluginServices,
  | "cache.set"
  | "cache.get"
  | "cache.incr"
  | "cache.expire"
  | "cache.lpush"
  | "cache.lrange"
  | "cache.llen"
  | "cache.lrem"
  | "cache.lpop"
>;

/** The most elements in one lpush, as in PostHog. */
const MAX_PUSH = 1000;
/**
 * How many elements are requested from the cache at a time, so that the size of a long answer is known before all of it
 * is in memory.
 */
const CHUNK = 100;

export function createCacheServices(cache: Cache, identity: PluginIdentity, limits: ServiceLimits): CacheServices {
  // By plugin config rather than by plugin as in PostHog: there a team had one config of each plugin, here it may have
  // two, which must be kept apart.
  const prefix = `@plugin/${identity.pluginConfigId}/${identity.teamId}/`;
  const key = text("the key", limits.cacheKeyChars).transform((name) => prefix + name);
  const value = text("the value", limits.cacheValueChars);
  const element = text("an element", limits.cacheElementChars);
  const index = z.number("expected a number").transform((number) => Math.trunc(clamp(number)));

  const schemas = {
    set: z.tuple([key, value.nullable(), z.number("expected a time to live in seconds").nullable()]),
    key: z.tuple([key]),
    expire: z.tuple([key, index]),
    lpush: z.tuple([key, z.array(element).max(MAX_PUSH, `expected at most ${MAX_PUSH} elements`)]),
    lrange: z.tuple([key, index, index]),
    lrem: z.tuple([key, index, value]),
    lpop: z.tuple([key, index]),
  };

  function tooLong(call: string): RangeError {
    return new RangeError(
      `Cannot call ${call}: the answer is longer than ${limits.cacheAnswerChars} characters; ask for fewer elements`,
    );
  }

  return {
    async "cache.set"(args) {
      const [key, value, ttl] = checkArguments("cache.set", schemas.set, args);
      if (value === null) await cache.expire(key, 0);
      else if (ttl === null || ttl === 0 || Number.isNaN(ttl)) await cache.set(key, value);
      else if (ttl < 0) throw new RangeError(`Cannot call cache.set: expected a positive time to live, got ${ttl}`);
      else await cache.set(key, value, Math.max(1, Math.round(clamp(ttl))));
    },
    "cache.get": async (args) => await cache.get(checkArguments("cache.get", schemas.key, args)[0]),
    "cache.incr": async (args) => await cache.incr(checkArguments("cache.incr", schemas.key, args)[0]),
    async "cache.expire"(args) {
      const [key, ttl] = checkArguments("cache.expire", schemas.expire, args);
      return await cache.expire(key, ttl);
    },
    async "cache.lpush"(args) {
      const [key, elements] = checkArguments("cache.lpush", schemas.lpush, args);
      if (elements.length === 0) return await cache.llen(key);
      const length = await cache.llen(key);
      if (length + elements.length > limits.cacheListElements) {
        throw new RangeError(`Cannot call cache.lpush: the list may have ${limits.cacheListElements} elements`);
      }
      return await cache.lpush(key, elements);
    },
    async "cache.lrange"(args) {
      const [key, start, end] = checkArguments("cache.lrange", schemas.lrange, args);
      const length = await cache.llen(key);
      const first = Math.max(0, start < 0 ? length + start : start);
      const last = Math.min(length - 1, end < 0 ? length + end : end);
      const elements: string[] = [];
      let chars = 0;
      for (let from = first; from <= last; from += CHUNK) {
        const chunk = await cache.lrange(key, from, Math.min(last, from + CHUNK - 1));
        for (const item of chunk) chars += item.length;
        if (chars > limits.cacheAnswerChars) throw tooLong("cache.lrange");
        elements.push(...chunk);
      }
      return elements;
    },
    "cache.llen": async (args) => await cache.llen(checkArguments("cache.llen", schemas.key, args)[0]),
    async "cache.lrem"(args) {
      const [key, count, element] = checkArguments("cache.lrem", schemas.lrem, args);
      return await cache.lrem(key, count, element);
    },
    async "cache.lpop"(args) {
      const [key, count] = checkArguments("cache.lpop", schemas.lpop, args);
      if (count < 0) throw new RangeError("Cannot call cache.lpop: expected a count of 0 or more");
      if (count <= CHUNK) return await cache.lpop(key, count);
      if (count > limits.cacheListElements) throw tooLong("cache.lpop");
      const elements: string[] = [];
      let chars = 0;
      let existed = false;
      // Popped elements are gone from the list, so a long answer is cut short rather than refused.
      while (elements.length < count && chars < limits.cacheAnswerChars) {
        const chunk = await cache.lpop(key, Math.min(CHUNK, count - elements.length));
        if (chunk === null || chunk.length === 0) break;
        existed = true;
        for (const item of chunk) chars += item.length;
        elements.push(...chunk);
      }
      return existed ? elements : null;
    },
  };
}

/** Redis takes 64-bit integers and JSON has no infinity, so larger numbers are clamped. */
function clamp(number: number): number {
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, number));
}
