import { Tokenizer } from '@huggingface/tokenizers';
import type { TextRecipe } from './protocol';

/** The two inputs of a text encoder, of equal length. */
export interface Tokens {
  ids: number[];
  /** 1 for a token of the text, 0 for padding. */
  attention: number[];
}

/** The part of tokenizer_config.json that matters here. */
interface TokenizerConfig {
  model_max_length?: number | null;
  pad_token?: string | { content: string } | null;
  eos_token?: string | { content: string } | null;
  padding_side?: 'left' | 'right' | null;
}

export type Tokenize = (text: string, recipe: TextRecipe) => Tokens;

/**
 * Makes the tokens that transformers.js makes: a text that is too long is cut off, its end token included, and SigLIP's
 * are padded.
 *
 * @param tokenizer tokenizer.json
 * @param config tokenizer_config.json
 */
export function createTokenize(tokenizer: unknown, config: unknown): Tokenize {
  const library = new Tokenizer(tokenizer as object, config as object);
  const settings = config as TokenizerConfig;
  const padToken = contentOf(settings.pad_token) ?? contentOf(settings.eos_token);
  const padId = padToken === null ? undefined : library.token_to_id(padToken);
  return (text, { family, maxTokens }) => {
    const length = Math.min(maxTokens, settings.model_max_length ?? Infinity);
    const ids = library.encode(text).ids.slice(0, length);
    const attention = ids.map(() => 1);
    // SigLIP was trained on padded texts and reads the last token; CLIP finds the end of the text itself.
    if (family === 'clip' || ids.length === length) return { ids, attention };
    if (padId === undefined) throw new TypeError('tokenizer_config.json has no pad_token');
    const padding = Array.from({ length: length - ids.length }, () => padId);
    const zeros = padding.map(() => 0);
    return settings.padding_side === 'left'
      ? { ids: [...padding, ...ids], attention: [...zeros, ...attention] }
      : { ids: [...ids, ...padding], attention: [...attention, ...zeros] };
  };
}

function contentOf(token: TokenizerConfig['pad_token']): string | null {
  if (token === undefined || token === null || token === '') return null;
  return typeof token === 'string' ? token : token.content;
}
