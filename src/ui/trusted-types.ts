/**
 * Trusted Types (scripts/security-policy.ts): the page starts scripts of its own server alone, such as
 * its workers. Svelte has a policy of its own for the markup of components.
 */
interface Policy {
  createHTML(text: string): string;
}
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: Partial<Policy & { createScriptURL(url: string): string }>,
  ): Policy;
}

/** undefined in a browser without them. */
export const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
trustedTypes?.createPolicy('default', {
  createScriptURL(url) {
    if (new URL(url, location.href).origin === location.origin) return url;
    throw new TypeError(`${url} is not on this page's own server`);
  },
});
