import fc from 'fast-check';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import { ProtobufMessage } from '../../../src/debug/formats/protobuf.ts';

const field = fc.integer({ min: 1, max: 1000 });
const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });

test('the bytes are those of another writer', () => {
  fc.assert(
    fc.property(field, u64, u64, fc.string({ unit: 'binary' }), (number, varint, fixed, text) => {
      const inner = new ProtobufMessage().string(number, text);
      const ours = new ProtobufMessage().varint(number, varint).fixed64(number, fixed).string(number, text).message(number, inner).encode();
      const writer = protobuf.Writer.create();
      writer.uint32((number << 3) | 0).uint64(`${varint}`);
      writer.uint32((number << 3) | 1).fixed64(`${fixed}`);
      writer.uint32((number << 3) | 2).string(text);
      writer.uint32((number << 3) | 2).fork();
      writer
        .uint32((number << 3) | 2)
        .string(text)
        .ldelim();
      expect([...ours]).toEqual([...writer.finish()]);
    }),
  );
});
