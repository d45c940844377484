import { describe, expect, it } from 'vitest';
import { gpuAdvice } from './webgpu.ts';

const AGENTS = {
  windowsChrome:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36',
  windowsEdge:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0',
  linuxChrome:
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36',
  chromebook:
    'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36',
  androidChrome:
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36',
  macSafari:
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
  iphoneChrome:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/150.0.0.0 Mobile/15E148 Safari/604.1',
  firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0',
};

const missing = (agent: keyof typeof AGENTS): string =>
  gpuAdvice('no-api', AGENTS[agent]).steps.join(' ');

describe('gpuAdvice', () => {
  it('names the version or flag that this browser needs', () => {
    expect(missing('windowsChrome')).toContain('113');
    expect(missing('windowsEdge')).toContain('Edge 113');
    expect(missing('linuxChrome')).toContain('--enable-unsafe-webgpu');
    expect(missing('chromebook')).not.toContain('--ozone-platform');
    expect(missing('androidChrome')).toContain('Android 12');
    expect(missing('macSafari')).toContain('Safari 26');
    expect(missing('iphoneChrome')).toContain('iOS');
    expect(missing('firefox')).toContain('dom.webgpu.enabled');
    expect(gpuAdvice('no-api', '').steps.join(' ')).toContain('Chrome or Edge');
  });

  it('names hardware acceleration if there is an API but no adapter', () => {
    for (const agent of ['windowsChrome', 'linuxChrome', 'firefox'] as const)
      expect(gpuAdvice('no-adapter', AGENTS[agent]).steps.join(' ')).toMatch(/acceleration/);
  });

  it('sends an insecure page to https, whatever the browser', () => {
    expect(gpuAdvice('insecure', AGENTS.firefox).steps.join(' ')).toContain('https');
  });
});
