/** What each family of the catalogue is about, in one line of at most 60 columns. */
export const FAMILY_TITLES: Readonly<Record<string, string>> = {
  ftrace: 'call sites and trampolines of the function tracer',
  tracepoint: 'static calls against arrays of tracepoint probes',
  unregister: 'unregistering a probe when there is no memory',
  kprobes: 'probes, their single step, and their recursion',
  livepatch: 'which version of a function a task runs, and RCU',
  'text-poke': 'the INT3 protocol itself, byte by byte',
  patching: 'the INT3 protocol itself, byte by byte',
  'static-call': 'static calls and their trampolines',
  'jump-label': 'static keys: a jump or a NOP',
  entry: 'entry code, exception stacks, NMIs',
  bpf: 'BPF trampolines and programs that go away',
  user: 'user space: uprobes, JITs, rewriting of system calls',
  module: 'modules and their text',
  alternatives: 'alternatives, paravirt calls, CFI and IBT',
};
