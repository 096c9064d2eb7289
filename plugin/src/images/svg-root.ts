/** The root element's start tag in an SVG document. */
export interface SvgRoot {
  /** Where the tag starts and ends in the document, in bytes. */
  start: number;
  end: number;
  /** As written, such as `svg:svg`. */
  name: string;
  /** Attribute values as written, without their quotes and with entities unresolved. */
  attributes: ReadonlyMap<string, string>;
  isEmpty: boolean;
}

/**
 * Finds the root's start tag in time linear in the prolog's length. Null for what isn't an SVG document in an encoding
 * that contains ASCII.
 */
export function findSvgRoot(svg: Buffer): SvgRoot | null {
  const start = endOfProlog(svg);
  const tag = start === -1 ? null : readTag(svg, start);
  return tag !== null && /^([\w.-]+:)?svg$/.test(tag.name) ? tag : null;
}

/** The document with other attributes in its root; null removes one. */
export function replaceRootAttributes(
  svg: Buffer,
  root: SvgRoot,
  changes: Readonly<Record<string, string | null>>,
): Buffer {
  const attributes = new Map<string, string | null>([
    ...root.attributes,
    ...Object.entries(changes),
  ]);
  const written = [...attributes].flatMap(([name, value]) => {
    if (value === null) return [];
    const quote = value.includes('"') ? "'" : '"';
    return [` ${name}=${quote}${value}${quote}`];
  });
  const tag = `<${root.name}${written.join('')}${root.isEmpty ? '/' : ''}>`;
  return Buffer.concat([
    svg.subarray(0, root.start),
    Buffer.from(tag, 'latin1'),
    svg.subarray(root.end),
  ]);
}

/** Position of the first element, after declarations, comments and the document type; -1 if there is none. */
function endOfProlog(svg: Buffer): number {
  let place = svg.indexOf('<');
  while (place !== -1) {
    const end = endOfMarkup(svg, place);
    if (end === null) return place;
    place = end === -1 ? -1 : svg.indexOf('<', end);
  }
  return -1;
}

/** Where a declaration, comment or document type ends; -1 if it doesn't, null for an element. */
function endOfMarkup(svg: Buffer, place: number): number | null {
  const opening = svg.toString('latin1', place, place + 4);
  if (opening.startsWith('<?')) return after(svg, '?>', place);
  if (opening === '<!--') return after(svg, '-->', place);
  return opening.startsWith('<!') ? endOfDocumentType(svg, place) : null;
}

function endOfDocumentType(svg: Buffer, start: number): number {
  let isInside = false;
  let place = start + 2;
  while (place !== -1 && place < svg.length) {
    const character = String.fromCharCode(svg[place] ?? 0);
    if (character === '>' && !isInside) return place + 1;
    if (character === '[') isInside = true;
    if (character === ']') isInside = false;
    if (character === '"' || character === "'") place = after(svg, character, place + 1);
    else if (isInside && character === '<') place = endOfDeclaration(svg, place);
    else place += 1;
  }
  return -1;
}

function endOfDeclaration(svg: Buffer, place: number): number {
  const opening = svg.toString('latin1', place, place + 4);
  if (opening === '<!--') return after(svg, '-->', place);
  return opening.startsWith('<?') ? after(svg, '?>', place) : place + 1;
}

function after(svg: Buffer, text: string, from: number): number {
  const found = svg.indexOf(text, from);
  return found === -1 ? -1 : found + text.length;
}

function readTag(svg: Buffer, start: number): SvgRoot | null {
  const attributes = new Map<string, string>();
  const name = readName(svg, start + 1);
  let place = start + 1 + name.length;
  for (;;) {
    place = skipSpace(svg, place);
    const character = String.fromCharCode(svg[place] ?? 0);
    if (character === '>') return { start, end: place + 1, name, attributes, isEmpty: false };
    if (character === '/') return { start, end: place + 2, name, attributes, isEmpty: true };
    const attribute = readName(svg, place);
    const equals = skipSpace(svg, place + attribute.length);
    const quoteAt = skipSpace(svg, equals + 1);
    const quote = String.fromCharCode(svg[quoteAt] ?? 0);
    const end = svg.indexOf(quote, quoteAt + 1);
    if (attribute === '' || svg[equals] !== 0x3d || !/["']/.test(quote) || end === -1) return null;
    attributes.set(attribute, svg.toString('latin1', quoteAt + 1, end));
    place = end + 1;
  }
}

function readName(svg: Buffer, start: number): string {
  let end = start;
  while (end < svg.length && !/[\s=/>"'<]/.test(String.fromCharCode(svg[end] ?? 0))) end += 1;
  return svg.toString('latin1', start, end);
}

function skipSpace(svg: Buffer, start: number): number {
  let place = start;
  while (place < svg.length && /\s/.test(String.fromCharCode(svg[place] ?? 0))) place += 1;
  return place;
}
