/**
 * What the GPU can do at most: its multiply-add rate by a kernel that does nothing else, and its
 * bandwidth by copies that are too large for its caches. They are timed again between the rows, and
 * the medians count: a laptop slows down when it is warm.
 */
import type { Gpu } from '../../gpu/device.ts';
import { op, type Op } from '../../gpu/kernel.ts';
import { Program } from '../../gpu/program.ts';
import { median } from './arithmetic.ts';
import type { Ceilings } from './measurement.ts';
import multiplyAddCode from './multiply-add.wgsl?raw';
import { opsWork, time, timeInTurn, type Work } from './timing.ts';
import triadCode from './triad.wgsl?raw';

const CHAINS = 8;
const LINKS = 16;
/** 262,144 invocations: enough for the largest cards. */
const WORKGROUPS = 4096;
/** Seconds of one launch, as far as MOST_ROUNDS allows. */
const LAUNCH = 0.02;
const MOST_ROUNDS = 4096;
const FORMS = {
  f32: [
    { element: 'f32', lanes: 1 },
    { element: 'vec4f', lanes: 4 },
  ],
  f16: [
    { element: 'vec2h', lanes: 2 },
    { element: 'vec4h', lanes: 4 },
  ],
} as const;
type Precision = keyof typeof FORMS;

/** Larger than the caches of cards; three of them are allocated. */
const STREAM_BYTES = 2 ** 26;

/** A work, and how much of its unit (operations or bytes) one repetition is. */
interface Probe extends Work {
  readonly amount: number;
}

export class CeilingProbes {
  private readonly rates: Record<Precision | 'bandwidth', number[]> = {
    f32: [],
    f16: [],
    bandwidth: [],
  };

  private constructor(private readonly probes: readonly (readonly [keyof Ceilings, Probe])[]) {}

  /** Compiles the probes, and keeps the fastest form for each ceiling. */
  static async open(gpu: Gpu, streamBytes = STREAM_BYTES): Promise<CeilingProbes> {
    const f16 = gpu.device.features.has('shader-f16');
    const candidates: (readonly [keyof Ceilings, Probe[]])[] = [
      ['f32', await multiplyAdds(gpu, 'f32')],
      ...(f16 ? [['f16', await multiplyAdds(gpu, 'f16')] as const] : []),
      ['bandwidth', await streams(gpu, streamBytes)],
    ];
    const probes: (readonly [keyof Ceilings, Probe])[] = [];
    for (const [ceiling, works] of candidates) {
      for (const work of works) await work.run(1);
      const timed = await timeInTurn(works, 0.1);
      const rates = timed.map(({ work, seconds }) => work.amount / median(seconds));
      const best = works[rates.indexOf(Math.max(...rates))]!;
      for (const work of works) if (work !== best) work.free();
      probes.push([ceiling, best]);
    }
    const opened = new CeilingProbes(probes);
    await opened.again();
    return opened;
  }

  /** Times each once more. */
  async again(): Promise<void> {
    for (const [ceiling, probe] of this.probes) {
      const count = 3;
      this.rates[ceiling].push((count * probe.amount) / (await time(probe, count)));
    }
  }

  get ceilings(): Ceilings {
    const { f32, f16, bandwidth } = this.rates;
    return {
      f32: median(f32),
      f16: f16.length > 0 ? median(f16) : null,
      bandwidth: median(bandwidth),
    };
  }

  free(): void {
    for (const [, probe] of this.probes) probe.free();
  }
}

async function multiplyAdds(gpu: Gpu, precision: Precision): Promise<Probe[]> {
  const probes: Probe[] = [];
  for (const { element, lanes } of FORMS[precision]) {
    const f16 = precision === 'f16';
    const link = Array.from({ length: CHAINS }, (_, i) => `c${i} = fma(c${i}, a, b);`).join(' ');
    const links = Array.from({ length: LINKS }, () => link).join('\n    ');
    const kernel = {
      name: `multiply-add ${element}`,
      code:
        `${f16 ? 'enable f16;\n' : ''}alias E = ${element};\nalias T = ${precision};\n` +
        multiplyAddCode.replace('//$LINKS', links),
      bindings: ['write'],
      params: { rounds: 'u32' },
    } as const;
    const out = gpu.allocate('io', WORKGROUPS * 64 * 16, 'multiply-add');
    const launch = op<number, typeof kernel.params>(kernel, {
      bindings: [out],
      params: { rounds: (rounds) => rounds },
      grid: () => [WORKGROUPS],
    });
    const program = await Program.compile(gpu, [launch]);
    const run = async (rounds: number): Promise<void> => {
      await program.run(rounds);
      await gpu.idle();
    };
    let rounds = 1;
    for (let seconds = 0; seconds < LAUNCH && rounds < MOST_ROUNDS;) {
      rounds *= 2;
      const started = performance.now();
      await run(rounds);
      seconds = (performance.now() - started) / 1000;
    }
    probes.push({
      amount: 2 * lanes * CHAINS * LINKS * rounds * WORKGROUPS * 64,
      async run(count) {
        for (let i = 0; i < count; i++) await run(rounds);
      },
      free() {
        program.destroy();
        gpu.release('io', out);
      },
    });
  }
  return probes;
}

async function streams(gpu: Gpu, wanted: number): Promise<Probe[]> {
  const size = Math.min(wanted, gpu.maxBinding);
  const [x, y, out] = ['x', 'y', 'out'].map((label) => gpu.allocate('io', size, label));
  const kernel = {
    name: 'triad',
    code: triadCode,
    bindings: ['read', 'read', 'write'],
    params: { count: 'u32' },
  } as const;
  const launch = (COPY: 0 | 1): Op<null> =>
    op<null, typeof kernel.params>(kernel, {
      bindings: [x!, y!, out!],
      params: { count: size / 16 },
      grid: () => [Math.min(65535, Math.ceil(size / 16 / 256))],
      constants: { COPY },
    });
  const [triad, copy] = [await opsWork(gpu, [launch(0)]), await opsWork(gpu, [launch(1)])];
  let users = 2;
  const release = (): void => {
    users--;
    if (users === 0) for (const view of [x!, y!, out!]) gpu.release('io', view);
  };
  return [
    { work: triad, buffers: 3 },
    { work: copy, buffers: 2 },
  ].map(({ work, buffers }) => ({
    amount: buffers * size,
    run: (count: number) => work.run(count),
    free: () => {
      work.free();
      release();
    },
  }));
}
