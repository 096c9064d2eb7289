import * as z from 'zod';

/**
 * Every failure that this plugin knows by name. Codes are public (`error.details.code`, index entries, logs): add
 * new ones, never rename any.
 */
export const errorCodes = [
  // What a caller sent.
  'invalid-input',
  'text-unknown',
  'file-not-found',
  'entry-not-found',
  'pair-not-found',
  'merge-not-found',
  'space-mismatch',
  'rate-limited',
  'conflict',
  // An image, whether it is a file of the library or a query.
  'image-unreadable',
  'image-too-large',
  'image-unsupported',
  'image-decoder-missing',
  'image-missing',
  'image-unreachable',
  'storage-refused',
  'storage-unavailable',
  'url-unreachable',
  // The embedding provider.
  'provider-not-installed',
  'provider-model-missing',
  'provider-model-changed',
  'provider-unavailable',
  'provider-unauthorized',
  'provider-rejected-input',
  'provider-bad-answer',
  'budget-reached',
  // The vector store.
  'store-not-installed',
  'store-unavailable',
  'store-space-clash',
  // The product itself.
  'config-invalid',
  'not-ready',
  'aborted',
  'unexpected',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/**
 * What a `conflict` (409) of a merge's undo or of a bulk merge is: `error.details.conflict`.
 *
 * - `batch-busy`: another bulk merge is being worked on; `batch-foreign`: someone else planned it; `batch-not-ready`: it isn't
 *   planned or was started; `batch-not-done`: it must end first; `batch-final`: nothing of it can be undone anymore.
 * - `kept-merged`: the kept file was itself merged since; `copies-gone`: no copy exists anymore; `entry-locked`: someone is
 *   saving an entry that uses one of the files.
 */
export const conflictReasons = [
  'batch-busy',
  'batch-foreign',
  'batch-not-ready',
  'batch-not-done',
  'batch-final',
  'kept-merged',
  'copies-gone',
  'entry-locked',
] as const;

/** `error.details` of every response of this plugin that fails. */
export const errorDetailsSchema = z.object({
  code: z.string(),
  conflict: z.enum(conflictReasons).optional().catch(undefined),
});

/**
 * What stops work in the background: the code of an error, or `forbidden` when the user who asked for it may no
 * longer do so. The message is in English, and may name settings and hosts.
 */
export const problemSchema = z.object({
  code: z.enum([...errorCodes, 'forbidden']),
  message: z.string(),
});

/** Why a complete vector space can't take over, besides errors. */
export const spaceProblemCodes = [
  'not-configured',
  'images-failed',
  'vectors-missing',
  'vectors-not-found',
] as const;

/** What keeps a vector space from being built or from taking over. */
export const spaceProblemSchema = z.object({
  code: z.enum([...errorCodes, ...spaceProblemCodes]),
  message: z.string(),
});

export type SpaceProblem = z.output<typeof spaceProblemSchema>;
export type ConflictReason = (typeof conflictReasons)[number];
export type Problem = z.output<typeof problemSchema>;
