import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOfHex, hexOf, type Incoming, PACKET_BYTES, PacketReader, packet } from '../../src/gdb/packet.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
const read = (...pieces: Uint8Array[]): Incoming[] => {
  const reader = new PacketReader();
  return pieces.flatMap((piece) => [...reader.read(piece)]);
};
const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)), maxLength: 300 });

describe('packets', () => {
  test('what is sent is what is read, in pieces of any size', () => {
    fc.assert(
      fc.property(fc.array(latin1, { maxLength: 5 }), fc.integer({ min: 1, max: 50 }), (bodies, size) => {
        const stream = bodies.flatMap((body) => [...packet(body)]);
        const pieces: Uint8Array[] = [];
        for (let n = 0; n < stream.length; n += size) pieces.push(Uint8Array.from(stream.slice(n, n + size)));
        expect(read(...pieces)).toEqual(bodies.map((body) => ({ kind: 'packet', body })));
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test('acks, interrupts and noise between packets', () => {
    expect(read(bytes('+-zz\x03$qC#b4 +'))).toEqual([
      { kind: 'ack' },
      { kind: 'nak' },
      { kind: 'interrupt' },
      { kind: 'packet', body: 'qC' },
      { kind: 'ack' },
    ]);
  });

  test('a wrong checksum and one that is none', () => {
    expect(read(bytes('$qC#b5$qC#zz$qC#b4')).map((i) => i.kind)).toEqual(['bad', 'bad', 'packet']);
  });

  test('one that is cut off by the next one', () => {
    expect(read(bytes('$m123$qC#b4'))).toEqual([{ kind: 'packet', body: 'qC' }]);
  });

  test('one that is too long is dropped, and the next one is read', () => {
    const [long, next] = read(packet('m'.repeat(PACKET_BYTES + 1000)), packet('g'));
    expect(long).toMatchObject({ kind: 'bad', why: expect.stringContaining('at most') });
    expect(next).toEqual({ kind: 'packet', body: 'g' });
  });

  test('bytes as digits', () => {
    expect(hexOf([0, 15, 255])).toBe('000fff');
    expect(bytesOfHex('000fff')).toEqual(Uint8Array.of(0, 15, 255));
    expect(bytesOfHex('0')).toBeUndefined();
    expect(bytesOfHex('zz')).toBeUndefined();
  });
});
