/**
 * How guest programs are compiled and linked: by `textpoke cc`, and by tools/build-fixtures.ts, which adds -Werror. What kernels do
 * without (vector registers, a red zone that an interrupt would not spare, CET) is off.
 */
export const COMPILE_FLAGS: readonly string[] = [
  '-std=gnu11',
  '-O2',
  '-ffreestanding',
  '-fno-pic',
  '-mno-red-zone',
  '-mgeneral-regs-only',
  '-fno-stack-protector',
  '-fcf-protection=none',
  '-fno-asynchronous-unwind-tables',
  '-fno-jump-tables',
  '-fno-tree-loop-distribute-patterns',
  '-g',
  '-gdwarf-5',
  '-Wall',
  '-Wextra',
];

/** For kernels, which are linked at the top of the address space. */
export const KERNEL_FLAGS: readonly string[] = ['-mcmodel=kernel'];

/** Of ld, in front of `-T SCRIPT -o OUTPUT`. */
export const LINK_FLAGS: readonly string[] = [
  '-static',
  '-nostdlib',
  '--build-id=none',
  '--fatal-warnings',
  '--no-warn-rwx-segments',
  '-z',
  'noexecstack',
  '-z',
  'max-page-size=4096',
];

/** Folders of fixtures/ whose sources every kernel is linked with: the runtime and the small world. */
export const RUNTIME: readonly string[] = ['lab', 'kernel'];
