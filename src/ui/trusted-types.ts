/**
 * Trusted Types (scripts/security-policy.ts): the page starts scripts of its own server alone, such as
 * its workers. Svelte has a policy of its own for the markup of components.
 */
interface TrustedTypes {
  createPolicy(name: 'default', rules: { createScriptURL(url: string): string }): void;
}

const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
trustedTypes?.createPolicy('default', {
  createScriptURL(url) {
    if (new URL(url, location.href).origin === location.origin) return url;
    throw new TypeError(`${url} is not on this page's own server`);
  },
});
