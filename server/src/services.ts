import type { Core } from '@strapi/strapi';
import { createImageSearch, type ImageSearch } from './composition';
import { PLUGIN_ID } from './plugin-id';

/** Strapi builds a service when it is first asked for, once per Strapi. */
export const services = {
  'image-search': ({ strapi }: { strapi: Core.Strapi }): ImageSearch => createImageSearch(strapi),
};

export function imageSearchOf(strapi: Core.Strapi): ImageSearch {
  return strapi.plugin(PLUGIN_ID).service<ImageSearch>('image-search');
}
