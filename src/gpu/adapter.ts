/**
 * The adapter of all that Ponder opens or plans; null where there is none. On a computer with two graphics
 * cards it is the faster one.
 */
export async function requestAdapter(api: GPU | undefined): Promise<GPUAdapter | null> {
  return (await api?.requestAdapter({ powerPreference: 'high-performance' })) ?? null;
}

const UNKNOWN = { vendor: '', architecture: '', device: '', description: '' } as GPUAdapterInfo;

/** What an adapter says of itself; nothing in the first browsers with WebGPU (Chrome 113 to 126). */
export function infoOf({ info = UNKNOWN }: { readonly info?: GPUAdapterInfo }): GPUAdapterInfo {
  return info;
}
