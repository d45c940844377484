/** The kernels of a device that are compiled, and the layouts of their bindings. */
import type { Kernel } from './kernel.ts';

export class Pipelines {
  private readonly compiled = new Map<string, Promise<GPUComputePipeline>>();
  private readonly storageLayouts = new Map<string, GPUBindGroupLayout>();
  private params: GPUBindGroupLayout | undefined;

  constructor(private readonly device: GPUDevice) {}

  /** Compiles a kernel once per set of override constants. */
  get(kernel: Kernel, constants: Record<string, number>): Promise<GPUComputePipeline> {
    const key = `${kernel.name} ${JSON.stringify(constants)}`;
    const pipeline = this.compiled.get(key) ?? this.compile(kernel, constants);
    this.compiled.set(key, pipeline);
    return pipeline;
  }

  /** Group 0: the kernel's storage buffers, in the order of its bindings. */
  storageLayout({ bindings }: Kernel): GPUBindGroupLayout {
    const key = bindings.join();
    let layout = this.storageLayouts.get(key);
    if (!layout) {
      layout = this.device.createBindGroupLayout({
        entries: bindings.map((access, binding) => ({
          binding,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
        })),
      });
      this.storageLayouts.set(key, layout);
    }
    return layout;
  }

  /** Group 1: one parameter block in the program's uniform arena, placed by a dynamic offset. */
  paramsLayout(): GPUBindGroupLayout {
    this.params ??= this.device.createBindGroupLayout({
      entries: [
        {
          binding: 0,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: 'uniform', hasDynamicOffset: true },
        },
      ],
    });
    return this.params;
  }

  private compile(kernel: Kernel, constants: Record<string, number>): Promise<GPUComputePipeline> {
    return this.device.createComputePipelineAsync({
      label: kernel.name,
      layout: this.device.createPipelineLayout({
        bindGroupLayouts: [this.storageLayout(kernel), this.paramsLayout()],
      }),
      compute: {
        module: this.device.createShaderModule({ label: kernel.name, code: kernel.code }),
        entryPoint: 'main',
        constants,
      },
    });
  }
}
