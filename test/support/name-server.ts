import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import ipaddr from 'ipaddr.js';

const HEADER_BYTES = 12;
const TYPE_AND_CLASS_BYTES = 4;
const TYPES: Record<number, 'ipv4' | 'ipv6'> = { 1: 'ipv4', 28: 'ipv6' };
/** Flags of an answer (RFC 1035, section 4.1.1): found, and no such name. */
const FOUND = 0x8180;
const NO_SUCH_NAME = 0x8183;
const POINTER_TO_QUESTION = 0xc00c;

export interface NameServer {
  /** Address and port as `Resolver.setServers` takes them. */
  readonly address: string;
  close(): void;
}

/** A real name server on the loopback interface that knows these names (RFC 1035). */
export async function startNameServer(
  names: Readonly<Record<string, readonly string[]>>,
): Promise<NameServer> {
  const socket = createSocket('udp4');
  socket.on('message', (query, { address, port }) => {
    socket.send(answerTo(query, names), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${String(socket.address().port)}`,
    close: () => void socket.close(),
  };
}

function answerTo(query: Buffer, names: Readonly<Record<string, readonly string[]>>): Buffer {
  const { name, type, end } = readQuestion(query);
  const known = names[name];
  const answers = (known ?? [])
    .map((address) => ipaddr.parse(address))
    .filter((address) => address.kind() === TYPES[type])
    .map((address) => createRecord(type, address.toByteArray()));
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(known ? FOUND : NO_SUCH_NAME, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers.length, 6);
  return Buffer.concat([header, query.subarray(HEADER_BYTES, end), ...answers]);
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let place = HEADER_BYTES;
  for (let length = query[place]; length; length = query[place]) {
    labels.push(query.toString('latin1', place + 1, place + 1 + length));
    place += 1 + length;
  }
  const type = query.readUInt16BE(place + 1);
  return { name: labels.join('.').toLowerCase(), type, end: place + 1 + TYPE_AND_CLASS_BYTES };
}

function createRecord(type: number, bytes: number[]): Buffer {
  const record = Buffer.alloc(12);
  record.writeUInt16BE(POINTER_TO_QUESTION, 0);
  record.writeUInt16BE(type, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt16BE(bytes.length, 10);
  return Buffer.concat([record, Buffer.from(bytes)]);
}
