/**
 * What is counted of consumers' work.
 * @module
 */

export interface ConsumerMeter {
  /** A delivery came to an end, whatever it was, after so many milliseconds. */
  attempted(id: string, project: number, ms: number): void;
  /** The far side took events; `bytes` is their JSON, `agesMs` how long each of them had been in the outbox. */
  delivered(id: string, project: number, events: number, bytes: number, agesMs: readonly number[]): void;
  /** A plugin's function threw at these. */
  threw(id: string, project: number, events: number): void;
  /** A delivery failed, and is tried again. */
  failed(id: string, project: number): void;
  /** The far side will never take these. */
  rejected(id: string, project: number, events: number): void;
}
