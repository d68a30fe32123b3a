import type { Field } from './fields.ts';
import { ProtobufMessage } from './protobuf.ts';

// Field numbers of Perfetto's protos/perfetto/trace: trace.proto, trace_packet.proto, track_event/{track_event,track_descriptor,counter_descriptor,
// debug_annotation}.proto. Only fields of the stable TrackEvent API.
const TRACE = { packet: 1 } as const;
const PACKET = { timestamp: 8, trustedPacketSequenceId: 10, trackEvent: 11, sequenceFlags: 13, trackDescriptor: 60 } as const;
const TRACK = { uuid: 1, name: 2, parentUuid: 5, counter: 8, childOrdering: 11, siblingOrderRank: 12 } as const;
const COUNTER = { unit: 3 } as const;
const EVENT = {
  debugAnnotations: 4,
  type: 9,
  trackUuid: 11,
  categories: 22,
  name: 23,
  counterValue: 30,
  flowIds: 47,
  terminatingFlowIds: 48,
} as const;
const ANNOTATION = { boolValue: 2, uintValue: 3, stringValue: 6, pointerValue: 7, name: 10 } as const;

const TYPE = { begin: 1, end: 2, instant: 3, counter: 4 } as const;
const UNIT_COUNT = 2;
const CHILDREN_EXPLICIT = 3;
const SEQ_INCREMENTAL_STATE_CLEARED = 1;
/** All packets come from one writer. */
const SEQUENCE = 1;

export interface Track {
  readonly uuid: number;
  readonly name: string;
  readonly parent: number | undefined;
  /** Place among its siblings. */
  readonly rank: number;
  readonly counter: boolean;
}

export interface TrackEvent {
  readonly track: number;
  /** Nanoseconds. */
  readonly time: number;
  readonly name?: string;
  readonly category?: string;
  readonly fields?: readonly Field[];
  /** Flows that begin here, and that end here. */
  readonly begins?: readonly number[];
  readonly ends?: readonly number[];
}

/** The descriptor of a track; the first packet of a trace says so. */
export function trackPacket({ uuid, name, parent, rank, counter }: Track, isFirst: boolean): Uint8Array {
  const track = new ProtobufMessage().varint(TRACK.uuid, uuid).string(TRACK.name, name);
  if (parent !== undefined) track.varint(TRACK.parentUuid, parent);
  if (counter) track.message(TRACK.counter, new ProtobufMessage().varint(COUNTER.unit, UNIT_COUNT));
  else track.varint(TRACK.childOrdering, CHILDREN_EXPLICIT);
  track.varint(TRACK.siblingOrderRank, rank);
  const packet = new ProtobufMessage().varint(PACKET.trustedPacketSequenceId, SEQUENCE);
  if (isFirst) packet.varint(PACKET.sequenceFlags, SEQ_INCREMENTAL_STATE_CLEARED);
  return inTrace(packet.message(PACKET.trackDescriptor, track));
}

export const beginPacket = (event: TrackEvent): Uint8Array => eventPacket(event, eventOf(event, TYPE.begin));
export const endPacket = (event: TrackEvent): Uint8Array => eventPacket(event, eventOf(event, TYPE.end));
export const instantPacket = (event: TrackEvent): Uint8Array => eventPacket(event, eventOf(event, TYPE.instant));
export const counterPacket = (event: TrackEvent, value: number): Uint8Array =>
  eventPacket(event, eventOf(event, TYPE.counter).varint(EVENT.counterValue, value));

function eventOf({ track, name, category, fields, begins, ends }: TrackEvent, type: number): ProtobufMessage {
  const event = new ProtobufMessage().varint(EVENT.type, type).varint(EVENT.trackUuid, track);
  if (category !== undefined) event.string(EVENT.categories, category);
  if (name !== undefined) event.string(EVENT.name, name);
  for (const field of fields ?? []) event.message(EVENT.debugAnnotations, annotation(field));
  for (const id of begins ?? []) event.fixed64(EVENT.flowIds, BigInt(id));
  for (const id of ends ?? []) event.fixed64(EVENT.terminatingFlowIds, BigInt(id));
  return event;
}

function annotation([name, value]: Field): ProtobufMessage {
  const out = new ProtobufMessage().string(ANNOTATION.name, name);
  if (typeof value === 'string') return out.string(ANNOTATION.stringValue, value);
  if (typeof value === 'boolean') return out.varint(ANNOTATION.boolValue, value ? 1 : 0);
  return out.varint(typeof value === 'bigint' ? ANNOTATION.pointerValue : ANNOTATION.uintValue, value);
}

function eventPacket({ time }: TrackEvent, event: ProtobufMessage): Uint8Array {
  const packet = new ProtobufMessage().varint(PACKET.timestamp, time).varint(PACKET.trustedPacketSequenceId, SEQUENCE);
  return inTrace(packet.message(PACKET.trackEvent, event));
}

/** A trace file is one message: its packets, one behind the other, can be written one by one. */
const inTrace = (packet: ProtobufMessage): Uint8Array => new ProtobufMessage().message(TRACE.packet, packet).encode();
