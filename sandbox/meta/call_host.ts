/**
 * A plugin's line to its services on the host, with their signatures.
 * @module
 */

import type { Services } from "../../runtime/protocol.ts";
import { requestService } from "../boot/bridge.ts";

/** Calls one service for one plugin. The host answers in the shape it promises. */
export type CallHost = <Name extends keyof Services>(
  name: Name,
  args: Parameters<Services[Name]>,
) => Promise<ReturnType<Services[Name]>>;

/** The line of the plugin with this index. */
export function callHostFor(plugin: number): CallHost {
  return <Name extends keyof Services>(name: Name, args: Parameters<Services[Name]>) =>
    requestService(plugin, name, args) as Promise<ReturnType<Services[Name]>>;
}
