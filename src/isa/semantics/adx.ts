import type { FlagName } from '../vocabulary.ts';
import type { Category, Semantics } from './semantics.ts';

/** Two independent carry chains (SDM Vol. 2: ADCX, ADOX): each reads and writes one flag. */
const addThrough =
  (flag: FlagName): Semantics =>
  (p, i) => {
    const [destination, source] = i.operands;
    const a = p.read(destination);
    const b = p.read(source);
    const r = p.add(p.add(a, b), p.flag(flag));
    const carries = p.or(p.and(a, b), p.and(p.or(a, b), p.not(r)));
    p.write(destination, r);
    p.setFlags({ [flag]: p.and(p.shr(carries, p.constant(i.size - 1)), p.constant(1)) });
  };

export const adx: Category = { adcx: addThrough('CF'), adox: addThrough('OF') };
