import type { Context } from 'koa';
import type { PanelResponse } from '../../../plugin/src/contracts/panel';
import type { ImageSearch } from '../composition';

/** What the panel asks before it knows what the role may do. */
export function createPanelHandlers(imageSearch: () => ImageSearch) {
  return {
    settings: (ctx: Context): void => {
      const { mediaLibrary } = imageSearch().panel;
      ctx.body = { data: { mediaLibrary } } satisfies PanelResponse;
    },
  };
}
