/**
 * An event as it was before the first plugin, for the few questions that the event after the last plugin cannot answer. Most
 * events raise none, so its text is decoded and parsed only when it is asked.
 * @module
 */

import type { PluginEvent } from "./event.ts";

const decoder = new TextDecoder();

export class OriginalEvent {
  readonly #json: Uint8Array;
  #text: string | undefined;
  #event: PluginEvent | undefined;

  /** `json` as JSON.stringify writes it. */
  constructor(json: Uint8Array) {
    this.#json = json;
  }

  /** Not to be changed. */
  get event(): PluginEvent {
    return this.#event ??= this.copy();
  }

  copy(): PluginEvent {
    return JSON.parse(this.#read());
  }

  /** Whether the property had this value. What is not in the text need not be parsed to be known. */
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
