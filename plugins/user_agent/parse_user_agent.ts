/**
 * Reads a user agent. It names what is common and leaves out what it does not know: a wrong answer is worse than none.
 * Names are those that PostHog's web SDK uses.
 * @module
 */

/** Null: not said, or not known. */
export interface UserAgent {
  browser: string | null;
  /** Major and minor, as far as given. */
  browserVersion: number | null;
  browserType: "browser" | "bot";
  os: string | null;
  osVersion: string | null;
  device: string | null;
  deviceType: "Desktop" | "Mobile" | "Tablet" | "Console" | "TV" | null;
}

/** Longer ones are cut: nobody sends them in earnest. */
const LONGEST = 1000;

// Most are called Something-bot; "CUBOT" is a maker of telephones.
const BOT =
  /(?<!\bcu)bot\b|bot[/;_-]|crawl|spider|slurp|facebookexternalhit|lighthouse|headlesschrome|pingdom|monitor|preview/i;

/** In the order of trust: most of them also claim to be Chrome or Safari. */
const BROWSERS: [RegExp, string][] = [
  [/\bSamsungBrowser\/(\d+(?:\.\d+)?)/, "Samsung Internet"],
  [/\b(?:Edg|EdgA|EdgiOS|Edge)\/(\d+(?:\.\d+)?)/, "Microsoft Edge"],
  [/\b(?:OPR|OPiOS|OPT|Opera)\/(\d+(?:\.\d+)?)/, "Opera"],
  [/\bUCBrowser\/(\d+(?:\.\d+)?)/, "UC Browser"],
  [/\bYaBrowser\/(\d+(?:\.\d+)?)/, "Yandex"],
  [/\bVivaldi\/(\d+(?:\.\d+)?)/, "Vivaldi"],
  [/\bDuckDuckGo\/(\d+(?:\.\d+)?)/, "DuckDuckGo"],
  [/\bFB(?:AN|AV|_IAB)\b(?:.*\bFBAV\/(\d+(?:\.\d+)?))?/, "Facebook Mobile"],
  [/\bInstagram (\d+(?:\.\d+)?)/, "Instagram"],
  [/\bFxiOS\/(\d+(?:\.\d+)?)/, "Firefox iOS"],
  [/\bFirefox\/(\d+(?:\.\d+)?)/, "Firefox"],
  [/\bCriOS\/(\d+(?:\.\d+)?)/, "Chrome iOS"],
  [/\b(?:Headless)?Chrome\/(\d+(?:\.\d+)?)/, "Chrome"],
  [/\bVersion\/(\d+(?:\.\d+)?).*\bMobile\b.*\bSafari\//, "Mobile Safari"],
  [/\bVersion\/(\d+(?:\.\d+)?).*\bSafari\//, "Safari"],
  [/\b(?:MSIE |Trident\/.*rv:)(\d+(?:\.\d+)?)/, "Internet Explorer"],
];

/** Names of Windows by the version of its kernel. */
const WINDOWS: Record<string, string> = { "10.0": "10", "6.3": "8.1", "6.2": "8", "6.1": "7", "6.0": "Vista" };

export function parseUserAgent(text: string): UserAgent {
  const agent = text.slice(0, LONGEST);
  const browser = BROWSERS.find(([pattern]) => pattern.test(agent));
  const version = browser ? agent.match(browser[0])?.[1] : undefined;
  return {
    browser: browser?.[1] ?? null,
    browserVersion: version === undefined ? null : Number(version),
    browserType: BOT.test(agent) ? "bot" : "browser",
    ...readSystem(agent),
    ...readDevice(agent),
  };
}

function readSystem(agent: string): Pick<UserAgent, "os" | "osVersion"> {
  const windows = agent.match(/Windows NT (\d+\.\d+)/)?.[1];
  if (windows !== undefined) return { os: "Windows", osVersion: WINDOWS[windows] ?? windows };
  if (/Windows Phone/.test(agent)) {
    return { os: "Windows Phone", osVersion: read(agent, /Windows Phone (?:OS )?([\d.]+)/) };
  }
  if (/\b(?:iPhone|iPad|iPod)\b/.test(agent)) return { os: "iOS", osVersion: read(agent, /\bOS (\d+(?:_\d+)*)/) };
  if (/Android/.test(agent)) return { os: "Android", osVersion: read(agent, /Android (\d+(?:\.\d+)*)/) };
  if (/Mac OS X/.test(agent)) return { os: "Mac OS X", osVersion: read(agent, /Mac OS X (\d+(?:[._]\d+)*)/) };
  if (/\bCrOS\b/.test(agent)) return { os: "Chrome OS", osVersion: read(agent, /\bCrOS \w+ ([\d.]+)/) };
  if (/Linux|X11/.test(agent)) return { os: "Linux", osVersion: null };
  return { os: null, osVersion: null };
}

function read(agent: string, pattern: RegExp): string | null {
  return agent.match(pattern)?.[1]?.replaceAll("_", ".") ?? null;
}

function readDevice(agent: string): Pick<UserAgent, "device" | "deviceType"> {
  const console = agent.match(/\b(PlayStation|Xbox|Nintendo)\b/)?.[1];
  if (console !== undefined) return { device: console, deviceType: "Console" };
  if (/\b(?:SmartTV|SMART-TV|AppleTV|GoogleTV|HbbTV|Web0S)\b/.test(agent)) return { device: null, deviceType: "TV" };
  const apple = agent.match(/\b(iPhone|iPad|iPod)\b/)?.[1];
  if (apple !== undefined) return { device: apple, deviceType: apple === "iPad" ? "Tablet" : "Mobile" };
  // Android says "Mobile" on telephones only.
  if (/Android/.test(agent)) return { device: "Android", deviceType: /\bMobile\b/.test(agent) ? "Mobile" : "Tablet" };
  if (/Windows Phone|\bMobile\b/.test(agent)) return { device: null, deviceType: "Mobile" };
  if (/Windows NT|Macintosh|Linux|X11|CrOS/.test(agent)) return { device: null, deviceType: "Desktop" };
  return { device: null, deviceType: null };
}
