import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import { publicDuplicatesQuerySchema } from '../../plugin/src/contracts/duplicates';
import { adminActions } from '../../plugin/src/contracts/identity';
import { reindexBodySchema } from '../../plugin/src/contracts/management';
import { entryParametersSchema, relatedQuerySchema } from '../../plugin/src/contracts/related';
import { similarQuerySchema } from '../../plugin/src/contracts/search';
import type {
  CallerOptions,
  DuplicateResults,
  ImageSearchService,
  SearchResults,
} from '../../plugin/src/types';
import { answerSearch, findDuplicates, toEmbeddingResponse } from './answers';
import { imageSearchOf } from './composition';
import { callersFiles, requireAction, type Caller } from './files/callers';
import { parseInput } from './http/parse-input';
import { toEmbeddingInput, toSearchInput } from './http/search-input';
import { PLUGIN_ID } from './plugin-id';
import { findRelatedEntries } from './related-entries';

/** The service `search` for code of the project; see docs/services.md. */
export function createSearchService({ strapi }: { strapi: Core.Strapi }): ImageSearchService {
  const imageSearch = () => imageSearchOf(strapi);
  const visibleTo = callersFiles(strapi);

  return {
    async search(query, asked = {}) {
      const caller = await callerOf(strapi, asked, 'search.find');
      const { image, ...fields } = typeof query === 'string' ? { text: query } : query;
      const input = toSearchInput(
        { ...fields, ...parametersOf(asked) },
        { imagePart: image ?? null, limits: imageSearch().inputLimits },
      );
      const visible = await visibleTo(caller, input.filters, input);
      return (await answerSearch(imageSearch(), input, {
        visible,
        signal: asked.signal,
      })) as SearchResults;
    },

    async similar(fileId, options = {}) {
      const caller = await callerOf(strapi, options, 'similar.find');
      const { region, ...input } = parseInput(similarQuerySchema, parametersOf(options));
      const query = { like: [{ kind: 'file', fileId, region }] as const, unlike: [], ...input };
      const visible = await visibleTo(caller, input.filters, input);
      return (await answerSearch(imageSearch(), query, {
        visible,
        signal: options.signal,
      })) as SearchResults;
    },

    async findDuplicates(fileId, options = {}) {
      const caller = await callerOf(strapi, options, 'duplicates.findOne');
      const input = parseInput(publicDuplicatesQuerySchema, parametersOf(options));
      const visible = await visibleTo(caller, input.filters, input);
      return (await findDuplicates(imageSearch(), {
        ...input,
        fileId,
        visible,
      })) as DuplicateResults;
    },

    async related({ field, ...entry }, asked = {}) {
      const { signal, auth = null, ...options } = asked;
      return findRelatedEntries(
        { strapi, imageSearch: imageSearch() },
        parseInput(entryParametersSchema, entry),
        {
          query: parseInput(relatedQuerySchema, { field, ...options }),
          signal,
          ...('auth' in asked && { auth }),
        },
      );
    },

    async embed(input, { signal } = {}) {
      const { inputLimits, searchEngine } = imageSearch();
      const { image, ...fields } = typeof input === 'string' ? { text: input } : toFields(input);
      const example = toEmbeddingInput(fields, { imagePart: image ?? null, limits: inputLimits });
      return toEmbeddingResponse(await searchEngine.embed(example, signal));
    },

    status: async () => ({ data: await imageSearch().status.monitor() }),

    async reindex(images) {
      const { scope, fileIds } = parseInput(reindexBodySchema, images);
      const { index } = imageSearch();
      const marked =
        scope === undefined ? await index.reindexFiles(fileIds ?? []) : await index.reindex(scope);
      return { data: { marked } };
    },
  };
}

/** What the HTTP API takes, too. */
function parametersOf(options: object): object {
  const own = ['auth', 'signal', 'userAbility'];
  return Object.fromEntries(Object.entries(options).filter(([name]) => !own.includes(name)));
}

function toFields(input: { text?: string; image?: Uint8Array; url?: string }) {
  return input;
}

/**
 * @param asked an undefined `auth` is refused, because it would mean a caller who may see everything
 * @param action of the content API, such as `search.find`
 * @throws UnauthorizedError, ForbiddenError, and PolicyError for an administrator without the permission
 */
async function callerOf(
  strapi: Core.Strapi,
  asked: CallerOptions,
  action: string,
): Promise<Caller> {
  if ('userAbility' in asked) {
    const { userAbility } = asked;
    const ability = userAbility as { can(action: string): boolean } | undefined;
    if (ability?.can(adminActions.search)) return { kind: 'admin', userAbility };
    throw new errors.PolicyError("Your role can't search images.");
  }
  if (!('auth' in asked)) return { kind: 'server' };
  await requireAction(strapi, asked.auth, `plugin::${PLUGIN_ID}.${action}`);
  return { kind: 'content-api', auth: asked.auth };
}
