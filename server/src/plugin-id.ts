export { PLUGIN_ID } from '../../plugin/src/contracts/identity';

export const FILE_UID = 'plugin::upload.file';
export const INDEX_ENTRY_UID = 'plugin::image-search.index-entry';
export const SPACE_UID = 'plugin::image-search.space';
export const EMBEDDING_USAGE_UID = 'plugin::image-search.embedding-usage';
export const JOB_UID = 'plugin::image-search.job';
export const DUPLICATE_PAIR_UID = 'plugin::image-search.duplicate-pair';
export const PICTURE_TRACE_UID = 'plugin::image-search.picture-trace';
export const DUPLICATE_SCAN_UID = 'plugin::image-search.duplicate-scan';
