export { default } from './server/src';
/** What `config` of this plugin takes in config/plugins.ts. */
export type { ImageSearchConfigInput } from './plugin/src/config';
