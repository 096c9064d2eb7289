import type { UseObstacle } from '../../../plugin/src/contracts/merging';

/** In English, for callers of the API; the panel has its own words for each code. */
const messages: Record<UseObstacle['code'], (value: string) => string> = {
  relation: () => "A relation that isn't a media field uses it. Change that relation by hand.",
  setting: () => "A merge doesn't change settings. Change it by hand.",
  'file-id': () => 'The field names the file by its numeric id.',
  'custom-field': (name) => `The custom field ${name} isn't supported.`,
  'field-type': (type) => `A field of type ${type} may use the URL for anything.`,
  'no-text': () => 'The field contains no text.',
  'file-type': (type) => `The field doesn't allow the kept file's type, ${type}.`,
  'other-storage': () => 'The two files are in different storage.',
  'unsafe-url': () => "The kept file's URL contains characters that aren't allowed in text.",
  'signed-url': () => 'The URL is signed for this file only.',
  'not-by-url': () =>
    'The text refers to the file in another way than by its URL, such as an encoded or signed URL, its name or its id.',
  'unknown-size': () => 'An image block needs dimensions, and those of the kept file are unknown.',
  'custom-url': () => 'An image block has a custom URL.',
  'unexpected-place': () => 'The blocks refer to the file in an unexpected place.',
};

/** Why a use of a file can't be pointed to another one. */
export function obstacle(code: UseObstacle['code'], value?: string): UseObstacle {
  return { code, message: messages[code](value ?? ''), ...(value !== undefined && { value }) };
}
