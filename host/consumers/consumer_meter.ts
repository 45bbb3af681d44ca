/**
 * What is counted of consumers' work.
 * @module
 */

export interface ConsumerMeter {
  /** The far side took events; `bytes` is their JSON. */
  delivered(id: string, project: number, events: number, bytes: number): void;
  /** A plugin's function threw at these. */
  threw(id: string, project: number, events: number): void;
  /** A delivery failed, and is tried again. */
  failed(id: string, project: number): void;
  /** The far side will never take these. */
  rejected(id: string, project: number, events: number): void;
}
