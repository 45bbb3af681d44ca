/**
 * An event for a plugin, from the fields that matter to whoever sends it.
 * @module
 */

/** The given fields over those of an event that an SDK sent a minute before noon. */
export function sampleEvent(fields: Record<string, unknown>): Record<string, unknown> {
  return {
    uuid: "01760b5a-1a2b-7000-8000-000000000001",
    event: "test event",
    distinct_id: "user-1",
    team_id: 2,
    ip: "127.0.0.1",
    site_url: null,
    now: "2021-01-20T12:00:00.000Z",
    timestamp: "2021-01-20T11:59:00.000Z",
    properties: {},
    ...fields,
  };
}
