import * as z from 'zod';
import { checkResponseSchema } from '../../../plugin/src/contracts/duplicates';
import { searchResponseSchema } from '../../../plugin/src/contracts/search';
import { assetSchema } from './asset';
import { pluginApi } from './client';

const hitSchema = searchResponseSchema.shape.data.element.extend({ file: assetSchema });
const answerSchema = searchResponseSchema.extend({ data: z.array(hitSchema) });

const matchSchema = checkResponseSchema.shape.data.element.extend({ file: assetSchema });
const checkSchema = checkResponseSchema.extend({ data: z.array(matchSchema) });

export type SearchHit = z.output<typeof hitSchema>;
export type SearchAnswer = z.output<typeof answerSchema>;
/** Files that show what a picture shows, those most alike first. */
export type PictureCheck = z.output<typeof checkSchema>;

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

/** Whether the library has a picture already. */
export function checkPicture(picture: Blob, signal: AbortSignal): Promise<PictureCheck> {
  return pluginApi.post('/check', { schema: checkSchema, body: toForm({}, picture), signal });
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
