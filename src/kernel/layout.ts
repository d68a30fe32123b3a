/**
 * Where the small kernel world lies. Linear addresses follow Linux on x86-64 (the kernel's memory map); what the lab image says of itself
 * (KERNEL_BASE, DIRECT_MAP_BASE, PERCPU_BASE) is read from its `ABI_` symbols and must agree.
 */
export const KERNEL_BASE = 0xffffffff80000000n;
export const DIRECT_MAP_BASE = 0xffff888000000000n;
/** First address behind those of user mode. */
export const USER_END = 0x800000000000n;
/** Every core's private area, at the same linear address through its own page tables. */
export const PRIVATE_BASE = 0xffffc90000000000n;

/** Pages of a core's private area, in order. */
export const PRIVATE = {
  percpu: 0,
  stackGuard: 1,
  stack: 2,
  tss: 3,
  nmiStack: 4,
  faultStack: 5,
  taskStackGuard: 6,
  taskStack: 7,
  debugStackGuard: 8,
  debugStack: 9,
  pages: 10,
} as const;
/** Pages of it that are not mapped: a stack that runs over faults there. */
export const GUARD_PAGES: readonly number[] = [PRIVATE.stackGuard, PRIVATE.taskStackGuard, PRIVATE.debugStackGuard];

/** Physical places. The kernel image is loaded where its program headers say (16 MiB). */
export const PAGE_TABLES_AT = 0x100000;
export const DESCRIPTORS_AT = 0x80000;
export const IDT_AT = 0x81000;
export const PRIVATE_AT = 0x200000;
export const PRIVATE_STRIDE = 0x10000;
export const RAM_BYTES = 0x1100000;

/** Selectors, as Linux numbers them (`__KERNEL_CS`, `__KERNEL_DS`, `GDT_ENTRY_TSS`). */
export const KERNEL_CS = 0x10;
export const KERNEL_DS = 0x18;
export const TSS_SELECTOR = 0x40;
