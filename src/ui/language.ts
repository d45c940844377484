/**
 * Imported before anything else: uPlot builds an Intl.NumberFormat from navigator.language as it
 * loads, and a Chromium under a POSIX locale reports "en-US@posix", which is no valid tag; the whole
 * page would fail to start.
 */
try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US' });
}

export {};
