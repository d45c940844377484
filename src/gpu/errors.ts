/** A failure of the graphics device, as the user reads it: what is wrong, and what to do. */
export class GpuError extends Error {
  override name = 'GpuError';
}

/** No adapter: WebGPU is missing, switched off, or the driver is blocked. */
export class GpuUnavailableError extends GpuError {
  override name = 'GpuUnavailableError';
}

/** The device was lost (driver reset, sleep, a command that ran too long), with all its buffers. */
export class GpuLostError extends GpuError {
  override name = 'GpuLostError';
}

/** A buffer is larger than the adapter allows, or the adapter's memory is full. */
export class GpuMemoryError extends GpuError {
  override name = 'GpuMemoryError';
}
