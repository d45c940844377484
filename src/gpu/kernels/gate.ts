/** The activations of gated feed-forward layers, as WGSL that several kernels share. */
import code from './gate.wgsl?raw';

/** gelu_tanh is the approximation of GELU by tanh (Hendrycks & Gimpel 2016). */
export type Gate = 'silu' | 'gelu_tanh';

const BENDS: Record<Gate, string> = {
  silu: `
fn bend(x: Gate) -> Gate { return x; }
fn bend_slope(x: Gate) -> Gate { return Gate(1.0); }
`,
  // (1 + tanh(u)) / 2 = sigmoid(2u),  2u = 2 sqrt(2 / pi) (x + 0.044715 x^3)
  gelu_tanh: `
fn bend(x: Gate) -> Gate { return 1.5957691216057308 * (x + 0.044715 * x * x * x); }
fn bend_slope(x: Gate) -> Gate { return 1.5957691216057308 * (1.0 + 0.134145 * x * x); }
`,
};

/** gate_of(x), and sigmoid, bend and bend_slope for its derivative, on vectors or numbers of a type. */
export function gateCode(gate: Gate, type: 'Element' | 'vec2f' | 'f32'): string {
  return `alias Gate = ${type};\n${BENDS[gate]}${code}`;
}
