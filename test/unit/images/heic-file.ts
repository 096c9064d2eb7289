/** Writes HEIC files around the coded image of another one: there is no encoder for tests. */

export interface HeicOptions {
  /** How many times the image is repeated, as tiles of a grid. */
  grid?: { rows: number; columns: number };
  /** Quarter turns anticlockwise to display it. */
  quarterTurns?: number;
  /** An ICC profile, instead of the file's own color information. */
  profile?: Buffer;
  /** First brand. */
  brand?: string;
}

const PRIMARY = 1;

/** @param source a file with one image */
export function heicOf(source: Buffer, options: HeicOptions): Buffer {
  const { brand = 'heic', grid, profile, quarterTurns = 0 } = options;
  const decoder = boxIn(source, 'hvcC');
  const size = boxIn(source, 'ispe');
  const coded = boxIn(source, 'mdat').subarray(8);
  const tile = { width: size.readUInt32BE(12), height: size.readUInt32BE(16) };
  const { rows, columns } = grid ?? { rows: 1, columns: 1 };
  const whole = { width: tile.width * columns, height: tile.height * rows };
  const tiles = grid ? Array.from({ length: rows * columns }, (_, index) => index + 2) : [];
  const gridData = concat([0, 1, rows - 1, columns - 1], u32(whole.width), u32(whole.height));
  const properties = [
    decoder,
    size,
    full('ispe', u32(whole.width), u32(whole.height)),
    box('irot', [quarterTurns]),
    ...(profile ? [box('colr', 'prof', profile)] : []),
  ];
  const ofTile = [0x81, 2];
  const ofPrimary = [...(grid ? [3] : ofTile), 0x84, ...(profile ? [5] : [])];
  const associations = [
    concat(u16(PRIMARY), [ofPrimary.length], ofPrimary),
    ...tiles.map((id) => concat(u16(id), [ofTile.length], ofTile)),
  ];
  const items = [itemOf(PRIMARY, grid ? 'grid' : 'hvc1'), ...tiles.map((id) => itemOf(id, 'hvc1'))];
  const metaAt = (mdat: number): Buffer => {
    const places = [
      placeOf(PRIMARY, grid ? mdat + coded.length : mdat, grid ? gridData.length : coded.length),
      ...tiles.map((id) => placeOf(id, mdat, coded.length)),
    ];
    return full(
      'meta',
      full('hdlr', u32(0), 'pict', Buffer.alloc(13)),
      full('pitm', u16(PRIMARY)),
      full('iloc', [0x44, 0], u16(places.length), ...places),
      full('iinf', u16(items.length), ...items),
      ...(grid
        ? [full('iref', box('dimg', u16(PRIMARY), u16(tiles.length), ...tiles.map(u16)))]
        : []),
      box(
        'iprp',
        box('ipco', ...properties),
        full('ipma', u32(associations.length), ...associations),
      ),
    );
  };
  const type = box('ftyp', brand, u32(0), 'mif1', 'heic');
  const start = type.length + metaAt(0).length + 8;
  return concat(type, metaAt(start), box('mdat', coded, gridData));
}

/** Tiles are hidden. */
function itemOf(id: number, type: string): Buffer {
  return box('infe', [2, 0, 0, id === PRIMARY ? 0 : 1], u16(id), u16(0), type, [0]);
}

function placeOf(id: number, offset: number, length: number): Buffer {
  return concat(u16(id), u16(0), u16(1), u32(offset), u32(length));
}

/** The first box of this type, with its header. */
function boxIn(file: Buffer, type: string): Buffer {
  const place = file.indexOf(type, 0, 'latin1') - 4;
  return file.subarray(place, place + file.readUInt32BE(place));
}

type Part = Buffer | string | readonly number[];

function concat(...parts: Part[]): Buffer {
  return Buffer.concat(
    parts.map((part) =>
      typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part),
    ),
  );
}

function box(type: string, ...parts: Part[]): Buffer {
  const content = concat(...parts);
  return concat(u32(content.length + 8), type, content);
}

function full(type: string, ...parts: Part[]): Buffer {
  return box(type, u32(0), ...parts);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
