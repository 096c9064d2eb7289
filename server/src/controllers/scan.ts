import type { Context } from 'koa';
import type { ScanResponse } from '../../../plugin/src/contracts/duplicates';
import type { ImageSearch } from '../composition';

/** The comparison of the whole library: how far it is, starting it or going on, stopping it. */
export function createScanHandlers(imageSearch: () => ImageSearch) {
  const answer =
    (act: 'describe' | 'begin' | 'halt') =>
    async (ctx: Context): Promise<void> => {
      ctx.body = { data: await imageSearch().duplicates.scan[act]() } satisfies ScanResponse;
    };
  return { find: answer('describe'), start: answer('begin'), stop: answer('halt') };
}
