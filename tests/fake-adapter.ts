/** The part of WebGPU that opening a device uses, for tests of adapters that are not here. */

export interface FakeAdapter {
  features?: readonly string[];
  subgroupMaxSize?: number;
  isFallbackAdapter?: boolean;
  description?: string;
  vendor?: string;
  /** Old browsers have none. */
  info?: undefined;
}

/** By default a graphics card. */
export function fakeApi({
  features = ['subgroups'],
  subgroupMaxSize = 32,
  isFallbackAdapter = false,
  description = '',
  vendor = description.includes('Mesa') ? 'mesa' : '',
  ...others
}: FakeAdapter = {}): GPU {
  const architecture = vendor === 'mesa' ? 'software' : '';
  const adapter = {
    info: { subgroupMaxSize, isFallbackAdapter, vendor, architecture, description },
    features: new Set(features),
    limits: {},
    ...others,
    requestDevice: ({ requiredFeatures }: { requiredFeatures: string[] }) =>
      Promise.resolve({
        features: new Set(requiredFeatures),
        lost: new Promise(() => {}),
        addEventListener: () => {},
        removeEventListener: () => {},
      }),
  };
  return {
    requestAdapter: ({ powerPreference }: GPURequestAdapterOptions = {}) =>
      Promise.resolve(powerPreference === 'high-performance' ? adapter : null),
  } as unknown as GPU;
}
