/// <reference lib="dom" />
/**
 * Pieces that several pages share.
 * @module
 */

import type { ComponentChildren } from "preact";

/** Says that something is awaited, or what went wrong. */
export function Waiting({ error }: { error: Error | null }) {
  return error ? <p role="alert" class="bad">{error.message}</p> : <p class="soft" role="status">Loading…</p>;
}

/** "3 min ago", with the exact time on hover. */
export function Ago({ time }: { time: string }) {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000));
  const words = seconds < 60
    ? `${seconds} s ago`
    : seconds < 3600
    ? `${Math.floor(seconds / 60)} min ago`
    : seconds < 86_400
    ? `${Math.floor(seconds / 3600)} h ago`
    : `${Math.floor(seconds / 86_400)} d ago`;
  return <time dateTime={time} title={new Date(time).toLocaleString()}>{words}</time>;
}

/** A number with what it counts above it. */
export function Figure({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div class="number">
      <span>{label}</span>
      {children}
    </div>
  );
}

/** Whether the page has its controls. */
export const CAN_EDIT = document.documentElement.dataset["mode"] === "edit";
