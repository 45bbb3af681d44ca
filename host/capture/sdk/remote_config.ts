/**
 * The configuration that posthog-js requests before it sends events. Everything but capture is switched off.
 * @module
 */

/** The smallest configuration that keeps posthog-js working, compressing and quiet. */
export function remoteConfig(token: string): Record<string, unknown> {
  return {
    token,
    supportedCompression: ["gzip", "gzip-js"],
    hasFeatureFlags: false,
    autocapture_opt_out: false,
    autocaptureExceptions: false,
    capturePerformance: false,
    captureDeadClicks: false,
    sessionRecording: false,
    surveys: false,
    heatmaps: false,
    analytics: { endpoint: "/i/v0/e/" },
    elementsChainAsString: true,
    errorTracking: { autocaptureExceptions: false, suppressionRules: [] },
    defaultIdentifiedOnly: true,
    toolbarParams: {},
    isAuthenticated: false,
    siteApps: [],
  };
}

/** The script that posthog-js loads for its configuration. The token comes from the caller and may contain anything. */
export function remoteConfigScript(token: string): string {
  const key = escapeForScript(token);
  const config = escapeForScript(remoteConfig(token));
  return `(function () {
  window._POSTHOG_REMOTE_CONFIG = window._POSTHOG_REMOTE_CONFIG || {};
  window._POSTHOG_REMOTE_CONFIG[${key}] = { config: ${config}, siteApps: [] };
})();
`;
}

/** JSON that is safe inside a script element. */
function escapeForScript(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The answer of /decide, in the shape of the requested version; versions differ in how they list flags. */
export function decideAnswer(version: number): Record<string, unknown> {
  return {
    config: { enable_collect_everything: true },
    editorParams: {},
    toolbarParams: {},
    isAuthenticated: false,
    supportedCompression: ["gzip", "gzip-js", "lz64"],
    sessionRecording: false,
    capturePerformance: false,
    autocapture_opt_out: false,
    autocaptureExceptions: false,
    surveys: false,
    heatmaps: false,
    siteApps: [],
    elementsChainAsString: true,
    featureFlags: version === 1 ? [] : {},
    ...(version >= 3 && { errorsWhileComputingFlags: false, featureFlagPayloads: {} }),
  };
}

/** The answer of /flags: there are none. */
export function flagsAnswer(requestId: string): Record<string, unknown> {
  return { flags: {}, featureFlags: {}, featureFlagPayloads: {}, errorsWhileComputingFlags: false, requestId };
}

/** The answer to a server SDK that evaluates flags locally. */
export const FLAG_DEFINITIONS = { flags: [], group_type_mapping: {}, cohorts: {} };
