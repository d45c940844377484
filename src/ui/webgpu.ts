/** Whether this tab can train, and what to tell people whose browser cannot. */
import { requestAdapter } from '../gpu/adapter.ts';

export type GpuProblem =
  /** The browser has no WebGPU, or keeps it off. */
  | 'no-api'
  /** WebGPU exists only on pages served over https or from this machine. */
  | 'insecure'
  /** WebGPU exists, but found no graphics processor that it may use. */
  | 'no-adapter';

/** null: this tab can train. Asks for an adapter only; no device is made. */
export async function findGpuProblem(): Promise<GpuProblem | null> {
  if (!window.isSecureContext) return 'insecure';
  // The types promise an API that many browsers do not have.
  const gpu = navigator.gpu as GPU | undefined;
  if (!gpu) return 'no-api';
  const adapter = await requestAdapter(gpu).catch(() => null);
  return adapter ? null : 'no-adapter';
}

interface GpuAdvice {
  title: string;
  steps: string[];
}

/** What to do, for the browser that the user-agent string names. Versions: the gpuweb wiki. */
export function gpuAdvice(problem: GpuProblem, userAgent: string): GpuAdvice {
  if (problem === 'insecure')
    return {
      title: 'Training needs a secure page.',
      steps: [
        'Browsers offer WebGPU only over https or on localhost. Open this page at such an address.',
      ],
    };
  const browser = browserOf(userAgent);
  return problem === 'no-api'
    ? { title: 'This browser has no WebGPU, so it cannot train.', steps: MISSING[browser] }
    : {
        title: 'WebGPU is available, but it found no graphics card that it may use.',
        steps: NO_ADAPTER[browser],
      };
}

type Browser = 'ios' | 'safari' | 'firefox' | 'android' | 'linux' | 'chromium' | 'other';

function browserOf(userAgent: string): Browser {
  if (/iPhone|iPad|iPod/.test(userAgent)) return 'ios';
  if (/Firefox\//.test(userAgent)) return 'firefox';
  if (/Chrome\/|Chromium\//.test(userAgent)) {
    if (/Android/.test(userAgent)) return 'android';
    return /Linux|X11/.test(userAgent) && !/CrOS/.test(userAgent) ? 'linux' : 'chromium';
  }
  return /Safari\//.test(userAgent) ? 'safari' : 'other';
}

const LINUX_FLAGS =
  'Otherwise start it with --enable-unsafe-webgpu --ozone-platform=x11 --use-angle=vulkan --enable-features=Vulkan,VulkanFromANGLE';
const ANY_OTHER = 'Or open this page in a current Chrome or Edge on a computer.';

const MISSING: Record<Browser, string[]> = {
  ios: ['Update to iOS or iPadOS 26: every browser on the device then has WebGPU.'],
  safari: ['Update to Safari 26, which has WebGPU on macOS 26.', ANY_OTHER],
  firefox: [
    'Update Firefox: WebGPU is on by default from version 141 on Windows, and from 145 on Macs with Apple silicon (macOS 26).',
    'On other systems, open about:config and set dom.webgpu.enabled to true, or use Firefox Nightly.',
    ANY_OTHER,
  ],
  android: ['Update Chrome to 121 or later; it needs Android 12 or later.'],
  linux: [
    'Update Chrome: WebGPU is on by default from version 144 for recent Intel graphics, and from 147 for NVIDIA.',
    LINUX_FLAGS,
  ],
  chromium: [
    'Update to Chrome or Edge 113 or later.',
    'If it is up to date, open chrome://flags/#enable-unsafe-webgpu, choose Enabled and relaunch.',
  ],
  other: ['Open this page in Chrome or Edge 113 or later, Safari 26, or Firefox 141 or later.'],
};

const HARDWARE =
  'Open chrome://settings/system, turn on “Use graphics acceleration when available” and relaunch.';
const DRIVERS = 'Update the graphics driver; chrome://gpu says what is blocked and why.';

const NO_ADAPTER: Record<Browser, string[]> = {
  ios: ['Close other tabs and reload: the system may have run out of graphics memory.'],
  safari: ['Restart Safari and reload the page.', ANY_OTHER],
  firefox: [
    'Open about:preferences, find Performance, and turn on “Use hardware acceleration when available”.',
    'about:support, under Graphics, says what is blocked and why.',
    ANY_OTHER,
  ],
  android: ['Update Android and Chrome: this graphics chip may be supported in a later version.'],
  linux: [HARDWARE, LINUX_FLAGS, DRIVERS],
  chromium: [HARDWARE, DRIVERS],
  other: [
    'Turn on hardware acceleration in the settings of the browser and restart it.',
    ANY_OTHER,
  ],
};
