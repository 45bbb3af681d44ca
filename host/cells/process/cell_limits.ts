/**
 * Bounds on what a cell may send and keep waiting, and the times that decide when it is stuck.
 * @module
 */

const MB = 1024 * 1024;

/** A frame from a cell; a longer one is refused before its body is read. */
export const MAX_FRAME_BYTES = 64 * MB;
/** Any frame but BatchResult. */
export const MAX_JSON_FRAME_BYTES = 9 * MB;
/** One event that came out of a plugin. */
export const MAX_EVENT_BYTES = 16 * MB;
/**
 * Levels of objects and arrays in an event that came out of a plugin; only events larger than twice as many bytes need
 * a look.
 */
export const MAX_DEPTH = 2_500;
/** Values in the JSON of one event or one message: this many take some tens of milliseconds to parse. */
export const MAX_VALUES = 100_000;
/** Of a BatchResult; a hundred of the longest errors take less. */
export const MAX_HEADER_BYTES = 16 * MB;
/** Entries of one Log frame. */
export const MAX_LOG_ENTRIES = 5_000;
/** Log and Alive frames per second; the sandbox sends 30. */
export const MAX_UNASKED_PER_SECOND = 200;

/** Longest texts of an error that are kept; the sandbox cuts at the same lengths or earlier. */
export const MAX_ERROR_NAME = 200;
export const MAX_ERROR_TEXT = 50_000;

/** Milliseconds past the deadline at which a sandbox that has not been heard of is killed. */
export const STUCK_MARGIN_MS = 50;
/**
 * Until a new cell is heard of for the first time. Nothing of the plugin has run by then, so a slow machine is to
 * blame.
 */
export const START_MS = 30_000;
/**
 * The least that evaluating a plugin's code may take, whatever the deadline of a call: the large packages need a
 * second.
 */
export const MIN_LOAD_MS = 4_000;
