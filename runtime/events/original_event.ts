/**
 * An event as it was before the first plugin, for the few questions that the event after the last plugin cannot answer.
 * Most events raise no such question, so the text is decoded and parsed only on demand.
 * @module
 */

import type { PluginEvent } from "./event.ts";

const decoder = new TextDecoder();

export class OriginalEvent {
  readonly #json: Uint8Array;
  #text: string | undefined;
  #event: PluginEvent | undefined;

  /** `json` must be written as JSON.stringify writes it. */
  constructor(json: Uint8Array) {
    this.#json = json;
  }

  /** Must not be changed. */
  get event(): PluginEvent {
    return this.#event ??= this.copy();
  }

  copy(): PluginEvent {
    return JSON.parse(this.#read());
  }

  /** Whether the property had this value. If the value does not occur in the text, nothing has to be parsed. */
  had(property: string, value: unknown): boolean {
    // Without the first quotation mark: a search for one stops at every name and text on its way, and takes three times
    // as long.
    const asWritten = `${JSON.stringify(property)}:${JSON.stringify(value)}`.slice(1);
    return this.#read().includes(asWritten) && this.event.properties?.[property] === value;
  }

  #read(): string {
    return this.#text ??= decoder.decode(this.#json);
  }
}
