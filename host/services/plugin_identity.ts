/**
 * Whom a service call is made for. Taken from the cell's connection, never from what it sent.
 * @module
 */

export interface PluginIdentity {
  pluginConfigId: number;
  teamId: number;
  /** From plugin.json; "" when it has none. */
  pluginName: string;
}
