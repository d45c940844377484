/**
 * What a browser lets the page do, in the page itself (on any server) and in the headers of `npm start`.
 * https://www.w3.org/TR/CSP3/, https://www.w3.org/TR/trusted-types/
 */
import type { Plugin } from 'vite';

const own = (more: readonly string[]): string =>
  [
    // Everything else, and all that is fetched, comes from the page's own server.
    "default-src 'self'",
    "object-src 'none'; frame-src 'none'; base-uri 'none'; form-action 'none'",
    ...more,
  ].join('; ');

/** Of a document. No text of the page becomes code or markup, but by its own policies. */
const PAGE_POLICY = own([
  "script-src 'self'",
  "require-trusted-types-for 'script'; trusted-types default svelte-trusted-html formulas",
]);

/** Of every response. QuickJS, which runs rules in a worker, is WebAssembly. */
export const HEADERS = {
  'Content-Security-Policy': own([
    "script-src 'self' 'wasm-unsafe-eval'",
    // Works in headers alone.
    "frame-ancestors 'none'",
  ]),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};

/** Puts the policy into each built document, before all that it is about. */
export function securityPolicy(): Plugin {
  return {
    name: 'ponder-security-policy',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: PAGE_POLICY },
        injectTo: 'head-prepend',
      },
      {
        tag: 'meta',
        attrs: { name: 'referrer', content: 'no-referrer' },
        injectTo: 'head-prepend',
      },
    ],
  };
}
