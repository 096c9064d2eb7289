import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import * as z from 'zod';
import { ImageSearchError, toImageSearchError } from '../../plugin/src/errors';
import {
  mergeBodySchema,
  mergeReportSchema,
  type MergeReport,
} from '../../plugin/src/contracts/merging';
import { adminActions } from '../../plugin/src/contracts/identity';
import { monitoringResponseSchema } from '../../plugin/src/contracts/monitoring';
import {
  colorSchema,
  fileIdSchema,
  filtersSchema,
  fileKinds,
  orientations,
  searchResponseSchema,
  similarQuerySchema,
} from '../../plugin/src/contracts/search';
import { duplicateKindSchema } from '../../plugin/src/contracts/duplicates';
import { facetNames, relevanceBands } from '../../plugin/src/search/contract';
import type { SearchResults } from '../../plugin/src/types';
import { imageSearchOf } from './composition';
import { scoreOf } from './duplicates/pair-views';
import { callersFiles } from './files/callers';
import { checkMergePermission } from './files/file-access';
import { isServerFault } from './http/error-answers';
import { withinDeadline } from './http/request-signal';
import { hideTitlesInReport } from './merging/report';
import { createSearchService } from './search-service';

/** Results at once: each may come with a thumbnail, which an agent's context has to hold. */
const MOST_IMAGES = 20;
const FEW_IMAGES = 8;
/** Pairs that are looked at for some whose files the caller may both see. */
const MOST_PAIRS = 200;
/** Uses of each file that a report lists for an agent, the worst first. */
const MOST_USES = 20;
const MERGING_IS_OFF =
  'Agents can only do dry runs here. Send dryRun: true, and let a person merge in the panel, or set agents.merge in the configuration of image-search.';

const limitSchema = z
  .int()
  .min(1)
  .max(MOST_IMAGES)
  .default(FEW_IMAGES)
  .describe(`How many, 1 to ${String(MOST_IMAGES)}`);
const thumbnailsSchema = z
  .boolean()
  .default(true)
  .describe('Whether to show the images; false saves context');
const documentedFilters = filtersSchema
  .optional()
  .describe(
    'Strapi filters on upload files, such as {"mime": "image/png"} or {"folder": {"id": 3}}',
  );

const imageSchema = z.object({
  id: z.number(),
  name: z.string(),
  alternativeText: z.string().nullable(),
  caption: z.string().nullable(),
  url: z.string(),
  mime: z.string(),
  width: z.number().nullable(),
  height: z.number().nullable(),
});

const foundImageSchema = imageSchema.extend({
  score: z.number().nullable(),
  relevance: z.enum(relevanceBands).nullable(),
  duplicateCount: z
    .number()
    .optional()
    .describe('How many other files of the same image it stands for'),
  tags: z.array(z.string()).optional(),
});

/** Tools for Strapi's MCP server, if it has one (5.47 or later) and it's on. */
export function registerMcpTools(strapi: Core.Strapi): void {
  // Absent before Strapi 5.47.
  const { mcp } = ((strapi as { ai?: unknown }).ai ?? {}) as Partial<Core.Strapi['ai']>;
  if (!mcp?.isEnabled()) return;
  const present = createPresenter(strapi);
  for (const register of [
    registerSearch,
    registerSimilar,
    registerDuplicates,
    registerMerge,
    registerStatus,
  ]) {
    register(mcp, present);
  }
}

type Mcp = Core.Strapi['ai']['mcp'];
type Presenter = ReturnType<typeof createPresenter>;

/** Which images are found, and what is counted of them. */
const narrowingShape = {
  filters: documentedFilters,
  kind: z
    .enum(fileKinds)
    .optional()
    .describe('Only images, only documents such as PDF, or only videos'),
  orientation: z.enum(orientations).optional(),
  unused: z.boolean().optional().describe('Only images that no media field uses, or only others'),
  hasAlternativeText: z.boolean().optional(),
  color: colorSchema
    .optional()
    .describe('Only images of this color: a basic color such as green, or one such as #00aa77'),
  colorTolerance: similarQuerySchema.shape.colorTolerance.describe(
    'How far it may be from a color such as #00aa77; 2 is barely visible, 10 the default',
  ),
  tags: z.array(z.string()).optional().describe('Only images with all of these tags'),
  facets: z
    .array(z.enum(facetNames))
    .min(1)
    .optional()
    .describe('Also counts the relevant images, or all that pass the filters, by these'),
};

function registerSearch(mcp: Mcp, present: Presenter): void {
  mcp.registerTool({
    name: 'search_images',
    title: 'Images: search',
    description:
      'Finds images of the Media Library by what they show, by the words of their names and texts, or by examples. Send text, or like with ids of images and texts; unlike excludes. Results come best first, with thumbnails; files of the same image are one result, and duplicateCount says how many others there are. noCloseMatch says that even the best result is probably not what was asked for.',
    auth: { policies: [{ action: adminActions.search }] },
    resolveInputSchema: () =>
      z.object({
        text: z.string().optional().describe('What the image shows, such as "red sneakers"'),
        like: z.array(z.union([fileIdSchema, z.string()])).optional(),
        unlike: z.array(z.union([fileIdSchema, z.string()])).optional(),
        ...narrowingShape,
        limit: limitSchema,
        thumbnails: thumbnailsSchema,
      }),
    resolveOutputSchema: () =>
      z.object({
        images: z.array(foundImageSchema),
        noCloseMatch: z.boolean().nullable(),
        facets: searchResponseSchema.shape.meta.shape.facets,
        searchableShare: z
          .number()
          .describe('Share of the Media Library that is searchable, 0 to 1'),
      }),
    createHandler: (host, { userAbility }) =>
      explaining(async ({ args: { limit, thumbnails, ...query }, extra: { signal } }) => {
        const { text, like, unlike, ...options } = query;
        const { data, meta } = await createSearchService({ strapi: host }).search(
          defined({ text, like, unlike }),
          defined({
            ...options,
            // Only what is ranked can be folded.
            ...((text !== undefined || (like ?? []).length > 0) && { collapse: true }),
            pagination: { limit },
            userAbility,
            signal,
          }),
        );
        const images = data.map(present.hit);
        const { indexed, total } = meta.index;
        const searchableShare = total === 0 ? 1 : Math.min(1, indexed / total);
        return present.result(
          {
            images,
            noCloseMatch: meta.noCloseMatch,
            ...(meta.facets && { facets: meta.facets }),
            searchableShare,
          },
          { images: thumbnails ? images : [], signal },
        );
      }),
  });
}

function registerSimilar(mcp: Mcp, present: Presenter): void {
  mcp.registerTool({
    name: 'find_similar_images',
    title: 'Images: find similar',
    description: 'Finds images of the Media Library that look like one of its images.',
    auth: { policies: [{ action: adminActions.search }] },
    resolveInputSchema: () =>
      z.object({
        fileId: fileIdSchema.describe('Numeric id of the image'),
        region: similarQuerySchema.shape.region.describe(
          'Searches with this part of it: shares of its sides, 0 to 1, from the top left',
        ),
        ...narrowingShape,
        limit: limitSchema,
        thumbnails: thumbnailsSchema,
      }),
    resolveOutputSchema: () =>
      z.object({
        images: z.array(foundImageSchema),
        facets: searchResponseSchema.shape.meta.shape.facets,
      }),
    createHandler: (host, { userAbility }) =>
      explaining(async ({ args: { fileId, limit, thumbnails, ...options }, extra: { signal } }) => {
        const { data, meta } = await createSearchService({ strapi: host }).similar(
          fileId,
          defined({ ...options, pagination: { limit }, userAbility, signal }),
        );
        const images = data.map(present.hit);
        return present.result(
          { images, ...(meta.facets && { facets: meta.facets }) },
          { images: thumbnails ? images : [], signal },
        );
      }),
  });
}

function registerDuplicates(mcp: Mcp, present: Presenter): void {
  mcp.registerTool({
    name: 'find_duplicate_images',
    title: 'Images: find duplicates',
    description:
      'Lists duplicates that nobody has reviewed: those of one image, or the newest pairs of the whole Media Library. identical: the same bytes; same-image: saved again, resized or recompressed; edited: cropped, framed, mirrored or overlaid. Changes nothing.',
    auth: { policies: [{ action: adminActions.duplicates }, { action: adminActions.search }] },
    resolveInputSchema: () =>
      z.object({
        fileId: fileIdSchema.optional().describe('Numeric id of an image; if omitted, all pairs'),
        limit: limitSchema,
        thumbnails: thumbnailsSchema,
      }),
    resolveOutputSchema: () =>
      z.object({
        pairs: z.array(
          z.object({
            kind: duplicateKindSchema,
            score: z.number(),
            images: z.tuple([imageSchema, imageSchema]),
          }),
        ),
      }),
    createHandler: (host, { userAbility }) =>
      explaining(async ({ args: { fileId, limit, thumbnails }, extra: { signal } }) => {
        const found = await findPairs(host, { userAbility, fileId, limit });
        const pairs = found.map(({ kind, score, files: [one, other] }) => ({
          kind,
          score,
          images: [present.image(one), present.image(other)] as [Image, Image],
        }));
        const images = thumbnails ? pairs.flatMap((pair) => pair.images) : [];
        return present.result({ pairs }, { images, signal });
      }),
  });
}

function registerMerge(mcp: Mcp, present: Presenter): void {
  mcp.registerTool({
    name: 'merge_duplicates',
    title: 'Images: merge duplicates',
    description:
      'Says what a merge of duplicates would do: which file stays, which uses move to it, what is lost. With dryRun: false it merges, if the operator allows agents to and the report has no warning; the copies go to a trash, and a person can undo the merge in the panel.',
    auth: { policies: [{ action: adminActions.duplicates }] },
    resolveInputSchema: () =>
      z.object({
        fileIds: mergeBodySchema.shape.fileIds.describe(
          'Numeric ids, with that of the file to keep',
        ),
        keepId: mergeBodySchema.shape.keepId.describe(
          'The file to keep; by default the suggested one',
        ),
        dryRun: z
          .boolean()
          .default(true)
          .describe('Whether to return the report and change nothing'),
        thumbnails: thumbnailsSchema,
      }),
    resolveOutputSchema: () => mergeReportSchema,
    createHandler: (host, { user, userAbility: ability }) =>
      explaining(async ({ args: { fileIds, keepId, dryRun, thumbnails }, extra: { signal } }) => {
        requireAdminAction(ability, adminActions.duplicates);
        await checkMergePermission(host, { ability, fileIds });
        const { merging, canAgentsMerge } = imageSearchOf(host);
        if (!dryRun && !canAgentsMerge) throw new errors.PolicyError(MERGING_IS_OFF);
        const report = dryRun
          ? await merging.plan({ fileIds, keepId })
          : await merging.perform({
              fileIds,
              keepId,
              userId: Number(user.id),
              approve: refuseWarnings,
            });
        const shown = await hideTitlesInReport(host, { ability, report });
        const files = shown.files.map((file) => ({ ...file, uses: file.uses.slice(0, MOST_USES) }));
        const images = thumbnails ? files : [];
        return present.result({ ...shown, files }, { images, signal });
      }),
  });
}

/** As in bulk merges: what has a warning is for a person to review. */
function refuseWarnings({ warnings }: MergeReport): void {
  if (warnings.length === 0) return;
  throw new ImageSearchError({
    code: 'conflict',
    message: `Nothing was merged, because a person has to review this: ${warnings.map(({ message }) => message).join(' ')}`,
    retryable: false,
  });
}

function registerStatus(mcp: Mcp, present: Presenter): void {
  mcp.registerTool({
    name: 'image_index_status',
    title: 'Images: status of the index',
    description: 'Tells how many images are searchable, what failed, and whether everything works.',
    auth: { policies: [{ action: adminActions.manage }] },
    resolveOutputSchema: () => monitoringResponseSchema.shape.data,
    createHandler: (host, { userAbility }) =>
      explaining(async () => {
        requireAdminAction(userAbility, adminActions.manage);
        return present.result(await imageSearchOf(host).status.monitor(), { images: [] });
      }),
  });
}

/**
 * Gives a call a deadline, and tells the agent why it was refused, which Strapi would log as an error of the server;
 * others it logs.
 */
function explaining<Input extends { extra: { signal?: AbortSignal } }, Answer>(
  handle: (input: Input) => Promise<Answer>,
): (input: Input) => Promise<Answer | Refusal> {
  return async (input) => {
    try {
      const signal = withinDeadline(input.extra.signal);
      return await handle({ ...input, extra: { ...input.extra, signal } });
    } catch (error) {
      const isRefused =
        error instanceof errors.ApplicationError ||
        (error instanceof ImageSearchError && !isServerFault(error));
      // Messages of databases and code are for the log alone.
      if (!isRefused) throw toImageSearchError(error);
      return { content: [{ type: 'text', text: error.message }], isError: true };
    }
  };
}

interface Refusal {
  content: { type: 'text'; text: string }[];
  isError: true;
}

type Image = z.output<typeof imageSchema>;
type Hit = SearchResults['data'][number];

/** Turns files into what tools answer. */
function createPresenter(strapi: Core.Strapi) {
  const server = strapi.config.get('server.url', '');

  function image(file: object): Image {
    const parsed = presentedFileSchema.parse(file);
    const url = parsed.url.startsWith('/') ? `${server}${parsed.url}` : parsed.url;
    return { ...parsed, url };
  }

  function hit({
    file,
    score,
    relevance,
    duplicateCount,
    tags,
  }: Hit): z.output<typeof foundImageSchema> {
    return {
      ...image(file),
      score,
      relevance: relevance?.band ?? null,
      ...(duplicateCount !== undefined && { duplicateCount }),
      ...(tags && { tags }),
    };
  }

  /** The answer as data, as text for clients that read no data, and its images, each under its id. */
  async function result<Answer extends object>(
    structuredContent: Answer,
    {
      images,
      signal,
    }: { images: readonly Pick<Image, 'id' | 'name'>[]; signal?: AbortSignal | undefined },
  ) {
    const distinct = [...new Map(images.map((one) => [one.id, one])).values()];
    const shown = distinct.slice(0, MOST_IMAGES).map(async ({ id, name }) => {
      const thumbnail = await thumbnailOf(strapi, id, signal);
      if (thumbnail === null) return [];
      return [
        { type: 'text' as const, text: `Image ${String(id)}: ${name}` },
        {
          type: 'image' as const,
          data: Buffer.from(thumbnail.bytes).toString('base64'),
          mimeType: thumbnail.mimeType,
        },
      ];
    });
    return {
      content: [
        { type: 'text' as const, text: JSON.stringify(structuredContent) },
        ...(await Promise.all(shown)).flat(),
      ],
      structuredContent,
    };
  }

  return { image, hit, result };
}

/** Attributes that a role may not see are missing. */
const presentedFileSchema = z.object({
  id: z.number(),
  name: z.string().catch(''),
  alternativeText: z.string().nullable().catch(null),
  caption: z.string().nullable().catch(null),
  url: z.string().catch(''),
  mime: z.string().catch(''),
  width: z.number().nullable().catch(null),
  height: z.number().nullable().catch(null),
});

/** An answer is of use without an image that can't be read. */
async function thumbnailOf(strapi: Core.Strapi, fileId: number, signal: AbortSignal | undefined) {
  const { http, previews, readThumbnail } = imageSearchOf(strapi);
  try {
    const thumbnail = await readThumbnail(fileId, signal);
    if (thumbnail !== null) return thumbnail;
    const webp = await previews.read(fileId, undefined);
    return webp && { bytes: webp, mimeType: 'image/webp' };
  } catch (error) {
    http.logger.debug(`No thumbnail for an agent. ${toImageSearchError(error).message}`);
    return null;
  }
}

interface Pair {
  kind: z.output<typeof duplicateKindSchema>;
  score: number;
  files: readonly [object, object];
}

/** Open pairs whose files the caller may both see; those of one file, or the newest. */
async function findPairs(
  strapi: Core.Strapi,
  {
    userAbility,
    fileId,
    limit,
  }: { userAbility: unknown; fileId: number | undefined; limit: number },
): Promise<Pair[]> {
  const visible = await callersFiles(strapi)({ kind: 'admin', userAbility }, undefined);
  if (fileId !== undefined) {
    const file = (await visible.load([fileId])).get(fileId);
    const { data } = await createSearchService({ strapi }).findDuplicates(fileId, {
      userAbility,
      pagination: { limit },
    });
    return data.map(({ file: other, kind, score }) => ({
      kind,
      score,
      files: [file ?? {}, other],
    }));
  }
  requireAdminAction(userAbility, adminActions.duplicates);
  const { pairs } = await imageSearchOf(strapi).pairs.list({
    status: 'open',
    cursor: null,
    limit: MOST_PAIRS,
  });
  const seen = await visible.filterReadable(pairs.flatMap(({ fileA, fileB }) => [fileA, fileB]));
  const shown = pairs
    .filter(({ fileA, fileB }) => seen.has(fileA) && seen.has(fileB))
    .slice(0, limit);
  const files = await visible.load(shown.flatMap(({ fileA, fileB }) => [fileA, fileB]));
  return shown.flatMap(({ fileA, fileB, verdict }) => {
    const [one, other] = [files.get(fileA), files.get(fileB)];
    if (!one || !other) return [];
    return [{ kind: verdict.kind, score: scoreOf(verdict), files: [one, other] }];
  });
}

function requireAdminAction(userAbility: unknown, action: string): void {
  const ability = userAbility as { can(action: string): boolean };
  if (!ability.can(action)) throw new errors.PolicyError(`Your role lacks ${action}.`);
}

/** Without what is undefined, which schemas with exact optional properties refuse. */
function defined<Value extends object>(
  value: Value,
): { [Key in keyof Value]: Exclude<Value[Key], undefined> } {
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries) as never;
}
