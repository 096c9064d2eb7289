import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import { mapQuerySchema, type MapData, type MapResponse } from '../../../plugin/src/contracts/map';
import { readPartners } from '../../../plugin/src/duplicates/groups';
import type { MapReading } from '../../../plugin/src/map/contract';
import type { ImageSearch } from '../composition';
import { adminFiles } from '../files/callers';
import { parseInput, readQuery } from '../http/parse-input';

const compress = promisify(gzip);

/** The map of the library, with only the files that the caller may read. */
export function createMapHandlers(strapi: Core.Strapi, imageSearch: () => ImageSearch) {
  const visibleFilesOf = adminFiles(strapi);

  async function describe(ctx: Context, { layout }: MapReading): Promise<MapData> {
    const { pairs } = imageSearch();
    const fileIds = layout?.fileIds ?? [];
    const [visible, unused] = await Promise.all([
      visibleFilesOf(ctx, undefined),
      visibleFilesOf(ctx, undefined, { unused: true }),
    ]);
    const readable = await visible.filterVisible(fileIds);
    const shown = fileIds.flatMap((id, index) => (readable.has(id) ? [index] : []));
    const ids = shown.map((index) => fileIds[index] ?? 0);
    const partners = await readPartners(pairs, ids, { status: 'open' });
    const others = [...partners.values()].flatMap((files) => [...files]);
    const readableOthers = await visible.filterReadable([...new Set(others)]);
    const isDuplicate = (id: number): boolean =>
      [...(partners.get(id) ?? [])].some((other) => readableOthers.has(other));
    return {
      side: layout?.side ?? 0,
      fileIds: ids,
      x: shown.map((index) => layout?.x[index] ?? 0),
      y: shown.map((index) => layout?.y[index] ?? 0),
      duplicates: ids.filter(isDuplicate),
      unused: [...(await unused.filterVisible(ids))],
    };
  }

  return {
    find: async (ctx: Context): Promise<void> => {
      const { known } = parseInput(mapQuerySchema, readQuery(ctx));
      const reading = await imageSearch().map.read();
      const { layout, problem, progress } = reading;
      const isKnown = layout !== null && layout.madeAt === known;
      const body: MapResponse = {
        data: isKnown ? null : await describe(ctx, reading),
        meta: {
          state: stateOf(reading),
          progress,
          madeAt: layout?.madeAt ?? null,
          isSample: layout !== null && layout.fileIds.length < layout.total,
          problem,
        },
      };
      await sendCompressed(ctx, body);
    },
  };
}

function stateOf({
  isTooSmall,
  layout,
  problem,
  progress,
}: MapReading): MapResponse['meta']['state'] {
  if (isTooSmall) return 'empty';
  if (layout) return 'ready';
  return problem !== null && progress === null ? 'failed' : 'computing';
}

/** Strapi doesn't compress by default; 20,000 places are several times smaller this way. */
async function sendCompressed(ctx: Context, body: MapResponse): Promise<void> {
  const json = JSON.stringify(body);
  ctx.type = 'application/json';
  ctx.set('Cache-Control', 'private, no-cache');
  ctx.vary('Accept-Encoding');
  if (ctx.acceptsEncodings('gzip', 'identity') !== 'gzip') {
    ctx.body = json;
    return;
  }
  ctx.set('Content-Encoding', 'gzip');
  ctx.body = await compress(json);
}
