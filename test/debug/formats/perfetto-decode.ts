import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

// The schema is written from the public field numbers, apart from the writer under test.
const schema = readFileSync(fileURLToPath(new URL('./perfetto.proto', import.meta.url)), 'utf8');
const Trace = protobuf.parse(schema, { keepCase: true }).root.lookupType('perfetto.protos.Trace');

export interface DecodedEvent {
  readonly type: string;
  readonly track_uuid: string;
  readonly name?: string;
  readonly categories?: readonly string[];
  readonly counter_value?: string;
  readonly flow_ids?: readonly string[];
  readonly terminating_flow_ids?: readonly string[];
  readonly debug_annotations?: readonly Readonly<Record<string, unknown>>[];
}

export interface DecodedPacket {
  readonly timestamp?: string;
  readonly trusted_packet_sequence_id: number;
  readonly sequence_flags?: number;
  readonly track_event?: DecodedEvent;
  readonly track_descriptor?: {
    readonly uuid: string;
    readonly name: string;
    readonly parent_uuid?: string;
    readonly counter?: object;
    readonly sibling_order_rank: number;
  };
}

/** The packets of a trace file. Throws where it is none; what the schema does not know would be missed, so encoding it again must give the same length. */
export function decodePerfetto(bytes: Uint8Array): DecodedPacket[] {
  const message = Trace.decode(bytes);
  const again = Trace.encode(message).finish();
  if (again.length !== bytes.length) throw new Error(`${bytes.length} bytes were read, ${again.length} of them understood`);
  return Trace.toObject(message, { longs: String, enums: String }).packet;
}
