import type { Page } from 'playwright-core';

/**
 * What the page does against its security policy (scripts/security-policy.ts), from the next load on:
 * the directive and what was refused. Workers that break theirs fail by themselves.
 */
export async function violationsOf(page: Page): Promise<string[]> {
  const found: string[] = [];
  await page.exposeFunction('reportViolation', (violation: string) => void found.push(violation));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const { reportViolation } = window as unknown as Record<string, (text: string) => void>;
      const { violatedDirective, blockedURI, sourceFile, lineNumber, sample } = event;
      reportViolation!(`${violatedDirective}: ${blockedURI} ${sourceFile}:${lineNumber} ${sample}`);
    });
  });
  return found;
}
