/** Kernels of fixtures/bench that compute with vectors and floating point (`sha256` is what `shani` is compared with), and what they are compiled for. */
export const VECTOR_KERNELS = {
  dgemm: ['-mavx2', '-mfma'],
  nbody: ['-msse2'],
  copy: ['-mavx2'],
  pixels: ['-mavx2', '-ftree-vectorize'],
  sha256: ['-mgeneral-regs-only'],
  shani: ['-mssse3', '-msse4.1', '-msha'],
  x87: ['-msse2'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type VectorKernel = keyof typeof VECTOR_KERNELS;
