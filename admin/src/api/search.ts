import * as z from 'zod';
import { searchResponseSchema } from '../../../plugin/src/contracts/search';
import { assetSchema } from './asset';
import { pluginApi } from './client';

const hitSchema = searchResponseSchema.shape.data.element.extend({ file: assetSchema });
const answerSchema = searchResponseSchema.extend({ data: z.array(hitSchema) });

export type SearchHit = z.output<typeof hitSchema>;
export type SearchAnswer = z.output<typeof answerSchema>;

/** What is asked for, but for the page and the picture. */
export type SearchFields = Record<string, unknown>;

export interface SearchPage {
  start: number;
  limit: number;
}

/** One page of a search; with a picture that is not in the library it travels as a form. */
export function search(request: {
  fields: SearchFields;
  picture: Blob | null;
  pagination: SearchPage;
  signal: AbortSignal;
}): Promise<SearchAnswer> {
  const { fields, picture, pagination, signal } = request;
  const body = { ...fields, pagination };
  return pluginApi.post('/search', {
    schema: answerSchema,
    body: picture === null ? body : toForm(body, picture),
    signal,
  });
}

function toForm(fields: SearchFields, picture: Blob): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    form.append(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  form.append('image', picture, 'picture');
  return form;
}
