/** The local APIC as the rest of the machine and the layers above use it. Taking interrupts is in `interrupts.ts`. */

export { type Ipi, sendIpi } from './apic-ipi.ts';
export { initApic, pollTimer, requestInterrupt } from './apic-state.ts';
