export { PLUGIN_ID } from '../../plugin/src/contracts/identity';

/** The setting by which a command tells the plugin that it has loaded Strapi without starting it. */
export const COMMAND_SETTING = 'image-search-command';

export const FILE_UID = 'plugin::upload.file';
export const FOLDER_UID = 'plugin::upload.folder';
export const INDEX_ENTRY_UID = 'plugin::image-search.index-entry';
export const SPACE_UID = 'plugin::image-search.space';
export const CALIBRATION_UID = 'plugin::image-search.calibration';
export const EMBEDDING_USAGE_UID = 'plugin::image-search.embedding-usage';
export const JOB_UID = 'plugin::image-search.job';
export const DUPLICATE_PAIR_UID = 'plugin::image-search.duplicate-pair';
export const DUPLICATE_REVIEW_UID = 'plugin::image-search.duplicate-review';
export const IMAGE_TRACE_UID = 'plugin::image-search.image-trace';
export const IMAGE_COLOR_UID = 'plugin::image-search.image-color';
export const IMAGE_FINGERPRINT_UID = 'plugin::image-search.image-fingerprint';
export const IMAGE_TAG_UID = 'plugin::image-search.image-tag';
export const DUPLICATE_SCAN_UID = 'plugin::image-search.duplicate-scan';
export const MERGE_UID = 'plugin::image-search.merge';
export const MERGE_BATCH_UID = 'plugin::image-search.merge-batch';
export const MERGE_BATCH_GROUP_UID = 'plugin::image-search.merge-batch-group';
export const MERGED_COPY_UID = 'plugin::image-search.merged-copy';
