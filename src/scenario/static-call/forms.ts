import { WITNESSES } from '../../explore/world.ts';
import { pokeWriter } from '../../patch/site-writer.ts';
import { StaticCall, type StaticCallForm, type StaticCallSwitches, staticCallText } from '../../patch/static-call.ts';
import { addVictims, labWorld, locLayout, textWorld } from '../lab-world.ts';
import { defineScenario, type Variant } from '../scenario.ts';
import { extent, inTurn } from '../sizes.ts';

/** Functions of the image that a key may call; NULL is none. */
type Callee = 'target_a' | 'target_b' | '__static_call_return0' | '__WARN_trap' | 'NULL';

interface Forms extends Variant {
  /** The function of the image that holds the site. */
  readonly site: 'static_call_site_1' | 'static_call_tail' | 'static_call_jcc' | '__SCT__my_call';
  readonly from: Callee;
  readonly to: Callee;
  /** What victims call, where it is not the function of the site. */
  readonly calls?: readonly string[];
  readonly switches?: StaticCallSwitches;
  /** The #UD handler takes a UD1 that is gone for somebody else's. */
  readonly warnOnce?: true;
  /** What the site holds from the start, instead of the text of `from`. */
  readonly text?: Uint8Array;
}

const FORM: Readonly<Record<Forms['site'], StaticCallForm>> = {
  static_call_site_1: 'call',
  static_call_tail: 'jmp',
  static_call_jcc: { condition: 4 },
  __SCT__my_call: 'jmp',
};

const WORDS: Readonly<Record<Callee, string>> = {
  target_a: 'a',
  target_b: 'b',
  __static_call_return0: 'return0',
  __WARN_trap: 'warn',
  NULL: 'null',
};

/** The commits that brought the forms beyond a plain call. */
const HISTORY: Readonly<Record<string, string>> = {
  tail: 'static_call: Handle tail-calls',
  jcc: 'x86/static_call: Add support for Jcc tail-calls',
};

/** A change that is done right. */
function right(kind: string, site: Forms['site'], from: Callee, to: Callee, calls?: readonly string[]): Forms {
  const history = to === '__static_call_return0' && kind === 'call' ? 'static_call: Provide DEFINE_STATIC_CALL_RET0()' : HISTORY[kind];
  return {
    ...(history === undefined ? {} : { history }),
    name: `${kind}.${WORDS[from]}-to-${WORDS[to]}`,
    title: `${kind}: ${from} -> ${to}`,
    expected: 'ok',
    site,
    from,
    to,
    ...(calls === undefined ? {} : { calls }),
  };
}

const CALL_CHANGES: readonly (readonly [Callee, Callee])[] = [
  ['target_a', 'target_b'],
  ['target_a', 'NULL'],
  ['NULL', 'target_a'],
  ['target_a', '__static_call_return0'],
  ['__static_call_return0', 'target_a'],
  ['NULL', '__static_call_return0'],
  ['target_a', '__WARN_trap'],
  ['__WARN_trap', 'target_a'],
];
const TAIL_CHANGES: readonly (readonly [Callee, Callee])[] = [
  ['target_a', 'target_b'],
  ['target_a', 'NULL'],
  ['NULL', 'target_a'],
];

/** mov $7, %eax: what another module has where the text of a static call was. */
const FOREIGN = Uint8Array.of(0xb8, 0x07, 0x00, 0x00, 0x00);

const RETURN0 = { from: 'target_a', to: '__static_call_return0', calls: ['static_call_result'] } as const;
const JCC_CALLS = ['static_call_jcc', 'static_call_jcc_taken'] as const;

/** Every text that a static call site may hold, from one to the other. */
export const forms = defineScenario<Forms>({
  name: 'static-call/forms',
  alias: 'B19',
  title: 'sites: call, NOP, "return 0", warning, ret',
  story:
    'CPU0 makes a key call another function, or none; victims run through its site. Where nothing is called the site is a NOP, or a ret for a tail call; a function that only ' +
    'returns 0 is an xor of five bytes, one that warns a UD1. While the INT3 is there these two are emulated as real calls of what they stand for: the ' +
    'handler that steps over "return 0" leaves in RAX what the caller had there. Text that no static call writes is left alone.',
  window: 'while the site holds INT3',
  image: 'patching',
  scope: 'one-victim',
  sizes: ({ calls = [''] }) => ({ calls: extent(1, calls.length, 4) }),
  variants: [
    ...CALL_CHANGES.map(([from, to]) => right('call', 'static_call_site_1', from, to)),
    ...TAIL_CHANGES.map(([from, to]) => right('tail', 'static_call_tail', from, to)),
    ...TAIL_CHANGES.map(([from, to]) => right('jcc', 'static_call_jcc', from, to, JCC_CALLS)),
    ...TAIL_CHANGES.map(([from, to]) => right('trampoline', '__SCT__my_call', from, to, ['static_call_trampoline'])),
    {
      name: 'return0-result',
      title: 'the result of a call that becomes "return 0" is the one of the function or 0',
      expected: 'ok',
      site: 'static_call_site_1',
      ...RETURN0,
    },
    {
      name: 'return0-as-nop',
      title: 'the handler steps over a site that becomes "return 0"',
      expected: 'violation',
      shows: { check: 'I11' },
      site: 'static_call_site_1',
      ...RETURN0,
      switches: { emulateAsNop: true },
      mutant: 'static call: emulate RET0 as a NOP',
    },
    {
      name: 'warn-gone',
      title: 'a UD1 becomes a call between its #UD and the handler that reads it, which dies',
      expected: 'violation',
      shows: { check: 'exception' },
      catalogue: {
        expected: 'ok',
        reason: 'the #UD handler reads the text at RIP to know a warning; the INT3 that comes to a site of the UD1 form is there by then',
      },
      site: 'static_call_site_1',
      from: '__WARN_trap',
      to: 'target_a',
      warnOnce: true,
    },
    {
      name: 'foreign-text',
      title: 'the text of the site was freed, and somebody else has theirs there',
      expected: 'violation',
      shows: { check: 'I2' },
      site: 'static_call_site_1',
      from: 'target_a',
      to: 'target_b',
      text: FOREIGN,
    },
    {
      name: 'foreign-text-refused',
      title: 'the same, and what is no static call is left alone',
      expected: 'ok',
      site: 'static_call_site_1',
      from: 'target_a',
      to: 'target_b',
      text: FOREIGN,
      switches: { validate: true },
    },
    {
      name: 'validated',
      title: 'the text is that of the key, and the update looks at it first',
      expected: 'ok',
      site: 'static_call_site_1',
      from: 'NULL',
      to: 'target_b',
      switches: { validate: true },
    },
  ],
  build(image, variant, cell, engine) {
    const world = labWorld(image, cell, { engine });
    const { lab } = world;
    lab.configure({
      int3_handler: lab.abi('INT3_BP_REFS'),
      exception_fn: lab.symbol('static_call_warn'),
      warn_recheck: variant.warnOnce === true ? 0 : 1,
    });
    const address = variant.site === '__SCT__my_call' ? lab.symbol(variant.site) : lab.symbol(`${variant.site}_insn`);
    const site = { address, name: variant.site, form: FORM[variant.site] };
    const func = (callee: Callee): bigint => (callee === 'NULL' ? 0n : lab.symbol(callee));
    const stubs = { return0: func('__static_call_return0'), warn: func('__WARN_trap'), ret: lab.symbol('__static_call_return') };
    const old = variant.text ?? staticCallText(site, func(variant.from), stubs).bytes;
    const next = staticCallText(site, func(variant.to), stubs);
    for (const [i, byte] of old.entries()) lab.poke(address + BigInt(i), 1, BigInt(byte));
    const versions = variant.text === undefined ? [old, next.bytes] : [old];
    world.sites.push({
      name: variant.site,
      address,
      versions,
      lengths: versions.map((v) => (v[0] === 0xc3 ? [...v].map(() => 1) : [v.length])),
      final: versions.length - 1,
      ...(next.emulate === undefined ? {} : { emulated: [next.emulate] }),
    });
    if (variant.text !== undefined) world.wantedWitnesses = ['old bytes executed'];
    if ([variant.from, variant.to].includes('__WARN_trap')) world.wantedWitnesses = [...WITNESSES, 'WARN'];
    const text = textWorld(lab);
    const write = pokeWriter(text, locLayout(lab));
    const key = { name: 'my_call', initial: func(variant.from), sites: [site], stubs };
    world.add({
      core: 0,
      entry: 'patcher_stub',
      *patcher() {
        yield* new StaticCall(key, write, variant.switches).update(func(variant.to));
      },
    });
    addVictims(world, cell, inTurn(variant.calls ?? [variant.site], cell.calls));
    return world;
  },
});
