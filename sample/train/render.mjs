/**
 * `node render.mjs WORK`: draws the icons that WORK/icons.json lists, 96 × 96 RGBA, one after the other in one file a
 * style: WORK/pictures/<style>.rgba. The icon packages come from WORK/node_modules.
 */
import { Buffer } from 'node:buffer';
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { URL } from 'node:url';
import sharp from 'sharp';

const SIDE = 96;
const INK = '#222222';

const work = path.resolve(process.argv[2] ?? '.');
const require = createRequire(path.join(work, 'package.json'));
const selection = JSON.parse(readFileSync(path.join(work, 'icons.json'), 'utf8'));
const { styles } = JSON.parse(readFileSync(new URL('artwork.json', import.meta.url), 'utf8'));

mkdirSync(path.join(work, 'pictures'), { recursive: true });
for (const { name, package: packageName } of styles) {
  const set = require(`${packageName}/icons.json`);
  const file = createWriteStream(path.join(work, 'pictures', `${name}.rgba`));
  for (const [, icon] of selection[name]) file.write(await draw(set, icon));
  await new Promise((resolve) => file.end(resolve));
  console.log(`${name}: ${String(selection[name].length)} pictures`);
}

function draw(set, name) {
  const {
    body,
    left = 0,
    top = 0,
    width = set.width ?? 16,
    height = set.height ?? 16,
  } = set.icons[name];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
    width="${String(SIDE)}" height="${String(SIDE)}" viewBox="${[left, top, width, height].join(' ')}">
    <g color="${INK}">${body}</g></svg>`;
  return sharp(Buffer.from(svg), { unlimited: true })
    .resize(SIDE, SIDE, { fit: 'contain', background: '#00000000' })
    .ensureAlpha()
    .raw()
    .toBuffer();
}
