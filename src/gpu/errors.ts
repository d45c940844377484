/** Every failure of the graphics card reaches the user as one of these, with a sentence that says what to do. */
export class GpuError extends Error {
  override name = 'GpuError';
}

/** No adapter: WebGPU is missing, switched off, or the driver is blocked. */
export class GpuUnavailableError extends GpuError {
  override name = 'GpuUnavailableError';
}

/** The device went away (driver reset, sleep, too long a command). Nothing on it can be read any more. */
export class GpuLostError extends GpuError {
  override name = 'GpuLostError';
}

/** The adapter cannot hold what was asked for. */
export class GpuMemoryError extends GpuError {
  override name = 'GpuMemoryError';
}
