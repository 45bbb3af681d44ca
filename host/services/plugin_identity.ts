/**
 * The plugin config on whose behalf a service call is made. It comes from the cell's connection, never from what the
 * cell sent.
 * @module
 */

export interface PluginIdentity {
  pluginConfigId: number;
  teamId: number;
  /** From plugin.json; "" when it has none. */
  pluginName: string;
}
