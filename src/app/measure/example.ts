/** A made-up measurement, for tests. */
import { SCHEMA, VERSION, type Measurement } from './measurement.ts';

export const EXAMPLE: Measurement = {
  schema: SCHEMA,
  version: VERSION,
  date: '2026-11-28T08:00:00.000Z',
  ponder: '0123456789abcdef',
  browser: 'Some browser',
  adapter: {
    ...{ vendor: 'maker', architecture: 'small', device: '', description: 'Some card' },
    fallback: false,
    features: ['timestamp-query'],
  },
  kernels: {
    ...{ matmul: 'blocked', attention: 'blocked', rows: 'subgroups', tokensPerBlock: 8 },
    card: {
      full: { large: 9e9, medium: 8e9, narrow: 7e9, small: 6e9 },
      alone: { large: 4e8, medium: 3e8, narrow: 2e8, small: 1e8 },
      packed: [],
    },
  },
  timestampResolution: 1e-4,
  ceilings: { f32: 10e9, f16: null, bandwidth: 5e9 },
  rows: [
    {
      ...{ group: 'matmul', name: 'square 256', sizes: '256 x 256 by 256 x 256' },
      ...{ seconds: 0.01, timings: 5, gpuSeconds: 0.009, flops: 4e7, bytes: 1e6, error: 1e-6 },
      ...{ bound: 'compute', share: 0.4 },
      others: {
        'jax-js': { seconds: 0.03, timings: 5 },
        tfjs: { skipped: 'it would take about 2 min each time' },
      },
    },
    {
      ...{ group: 'matmul', name: 'square 512', sizes: '512 x 512 by 512 x 512' },
      ...{ seconds: 0.1, timings: 3, flops: 4e8, bytes: 1e6, bound: 'compute', share: 0.4 },
      others: { 'jax-js': { seconds: 0.5, timings: 1 } },
    },
    {
      ...{ group: 'matmul', name: 'square 4096', sizes: '4096 x 4096 by 4096 x 4096' },
      skipped: 'it would take about 40 s each time',
    },
    {
      ...{ group: 'decoding', name: '2M, f32, batch 1', sizes: '4 layers' },
      ...{ seconds: 0.02, timings: 6, flops: 4e6, bytes: 1e7, bound: 'bandwidth', share: 0.05 },
      tokensPerSecond: 50,
      step: { dispatches: 22.5, submits: 0.25, readbacks: 0.125, peakBytes: 9e6 },
    },
    {
      ...{ group: 'training', name: '0.5M, 8 x 64 tokens', sizes: '2 layers' },
      ...{ seconds: 0.2, timings: 3, flops: 1e9, bytes: 1e7, bound: 'compute', share: 0.5 },
      ...{ tokensPerSecond: 2560, lossDifference: 2e-6 },
      others: { 'jax-js': { seconds: 1.2, timings: 1 } },
      step: { dispatches: 75, submits: 4, readbacks: 2, peakBytes: 31e6 },
    },
    {
      ...{ group: 'grpo', name: 'recipes/x.yaml', sizes: '128 completions' },
      ...{ seconds: 2, timings: 5, flops: 4e9, bound: 'compute', share: 0.2 },
      tokensPerSecond: 3000,
      step: { dispatches: 1000.4, submits: 20, readbacks: 10, peakBytes: 118e6 },
      grpo: {
        completionLength: 39,
        matmul: { name: 'square 512', rate: 4e9 },
        shareOfMatmul: 0.5,
      },
      kernels: [
        { label: 'gate-up', launches: 10, seconds: 1.5, flops: 3e9 },
        { label: 'swiglu', launches: 10, seconds: 0.5, flops: 0 },
      ],
    },
  ],
  complete: true,
  seconds: 100,
};
