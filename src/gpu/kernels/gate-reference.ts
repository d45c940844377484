/** The gates in float64, which the kernels are compared with. */
import type { Gate } from './gate.ts';

export const GATES: Record<Gate, (x: number) => number> = {
  silu: (x) => x / (1 + Math.exp(-x)),
  gelu_tanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
};
