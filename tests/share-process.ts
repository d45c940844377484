/** For test files that share a process: kernels are compiled once, and a file leaves no spies behind. */
import { afterAll, vi } from 'vitest';
import { keepDevices } from '../src/gpu/node.ts';

keepDevices();
afterAll(() => vi.restoreAllMocks());
