/**
 * The kinds of values that a process setting can have, and how each is read from the text of a flag or variable.
 * @module
 */

import { readCertificates } from "../ca_certificates.ts";
import { isPathPrefix, readProxies } from "./trusted_proxies.ts";

/** One setting. `read` throws an Error that says what was expected. */
export interface Setting<T> {
  env: string;
  /** Its purpose, in one line. */
  help: string;
  /** The default as shown by `--help`. */
  shownDefault: string;
  default: T;
  /** Whether it is kept out of messages. */
  secret: boolean;
  read(text: string): T;
}

type Common = { env: string; help: string };

/** Any text that is not empty. */
export function text<T extends string | null>(fallback: T, { env, help }: Common): Setting<string | T> {
  return { env, help, shownDefault: fallback ?? "none", default: fallback, secret: false, read: (text) => text };
}

/** A text that no message repeats. */
export function secret({ env, help }: Common): Setting<string | null> {
  return { env, help, shownDefault: "none", default: null, secret: true, read: (text) => text };
}

/** An address with one of the protocols. It may hold a password, so no message repeats it. */
export function address(protocols: string[], { env, help }: Common): Setting<string | null> {
  return {
    env,
    help,
    shownDefault: "none",
    default: null,
    secret: true,
    read(text) {
      if (URL.canParse(text) && protocols.includes(new URL(text).protocol.slice(0, -1))) return text;
      throw new Error(`an address that starts with ${protocols.map((protocol) => `${protocol}://`).join(" or ")}`);
    },
  };
}

/** The path of a PEM file with certificates, made absolute. */
export function certificates({ env, help }: Common): Setting<string | null> {
  return { env, help, shownDefault: "none", default: null, secret: false, read: readCertificates };
}

export function integer<T extends number | null>(
  fallback: T,
  min: number,
  max: number,
  { env, help }: Common,
): Setting<number | T> {
  return {
    env,
    help,
    shownDefault: fallback === null ? "none" : String(fallback),
    default: fallback,
    secret: false,
    read(text) {
      const value = Number(text);
      if (/^\d+$/.test(text) && value >= min && value <= max) return value;
      throw new Error(`a whole number from ${min} to ${max}`);
    },
  };
}

/** Seconds; may be fractional. */
export function seconds(fallback: number, min: number, max: number, { env, help }: Common): Setting<number> {
  return {
    env,
    help,
    shownDefault: `${fallback} s`,
    default: fallback,
    secret: false,
    read(text) {
      const value = Number(text);
      if (/^\d*\.?\d+$/.test(text) && value >= min && value <= max) return value;
      throw new Error(`a number of seconds from ${min} to ${max}`);
    },
  };
}

const UNITS: Record<string, number> = { "": 1, B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 };

/** A size in bytes: 1048576, 512KB, 20MB, 10GB. The units are powers of 1024. */
export function bytes(fallback: string, { env, help }: Common): Setting<number> {
  function read(text: string): number {
    const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?B?)$/i.exec(text);
    const unit = UNITS[match?.[2]?.toUpperCase() ?? ""] ?? UNITS[`${match?.[2]?.toUpperCase()}B`];
    const value = Math.floor(Number(match?.[1]) * (unit ?? NaN));
    if (Number.isSafeInteger(value) && value > 0) return value;
    throw new Error("a number of bytes such as 1048576, 512KB, 20MB or 10GB");
  }
  return { env, help, shownDefault: fallback, default: read(fallback), secret: false, read };
}

export function choice<const T extends string>(fallback: T, values: readonly T[], { env, help }: Common): Setting<T> {
  return {
    env,
    help: `${help}: ${values.join(", ")}`,
    shownDefault: fallback,
    default: fallback,
    secret: false,
    read(text) {
      const value = values.find((value) => value === text);
      if (value !== undefined) return value;
      throw new Error(values.join(" or "));
    },
  };
}

/** `--flag` without a value means yes. */
export function yesNo(fallback: boolean, { env, help }: Common): Setting<boolean> {
  return {
    env,
    help,
    shownDefault: fallback ? "yes" : "no",
    default: fallback,
    secret: false,
    read(text) {
      if (/^(?:1|true|yes|on)$/i.test(text)) return true;
      if (/^(?:0|false|no|off)$/i.test(text)) return false;
      throw new Error("yes or no");
    },
  };
}

/** Which proxies are trusted: `yes`, `no`, `private`, or addresses and networks separated by commas. */
export function proxies(fallback: string, { env, help }: Common): Setting<string> {
  return {
    env,
    help,
    shownDefault: fallback,
    default: fallback,
    secret: false,
    read(text) {
      readProxies(text);
      return text;
    },
  };
}

/** The prefix of paths as they arrive, such as `/ingest`, without a slash at the end. "" when absent. */
export function pathPrefix({ env, help }: Common): Setting<string> {
  return {
    env,
    help,
    shownDefault: "none",
    default: "",
    secret: false,
    read(text) {
      const prefix = text.replace(/\/+$/, "");
      if (isPathPrefix(prefix)) return prefix;
      throw new Error("a path such as /ingest");
    },
  };
}

/** The name of a header in lower case; null when absent. */
export function headerName({ env, help }: Common): Setting<string | null> {
  return {
    env,
    help,
    shownDefault: "none",
    default: null,
    secret: false,
    read(text) {
      if (/^[\w-]{1,100}$/.test(text)) return text.toLowerCase();
      throw new Error("the name of a header, such as CF-Connecting-IP");
    },
  };
}
