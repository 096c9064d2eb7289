import { ImageSearchError } from '../../errors';
import type { Endpoint } from './failures';
import { quote } from './quotation';

/**
 * Holds a server to the model that makes the vectors of a space: vectors of another one would be stored among them
 * and never match.
 *
 * Harmless differences of spelling are let through on purpose: no name at all, upper and lower case, a path before the
 * name (`models/…`, `jinaai/…`, or the path of a file) and what follows a colon or an at sign (`:free`, `@001`). A name
 * that goes on with the date or number of a version is what an alias stands for, such as `embed-v4.0` for `embed`; it
 * may be any, but has to stay the same.
 */
export class ModelIdentity {
  readonly #expected: string;
  readonly #endpoint: Endpoint;
  #version: string | null = null;

  constructor(expected: string, endpoint: Endpoint) {
    this.#expected = normalize(expected);
    this.#endpoint = endpoint;
  }

  /** @throws ImageSearchError `provider-model-changed` */
  check(reported: string | null): void {
    if (reported === null || reported.trim() === '') return;
    const name = normalize(reported);
    if (name === this.#expected) return;
    if (!isVersionOf(name, this.#expected)) throw this.#changed(reported, this.#expected);
    this.#version ??= name;
    if (name !== this.#version) throw this.#changed(reported, this.#version);
  }

  #changed(reported: string, expected: string): ImageSearchError {
    const { host, modelSetting, apiKey } = this.#endpoint;
    return new ImageSearchError({
      code: 'provider-model-changed',
      message: `${host} answered with the model "${quote(reported, apiKey)}" instead of "${expected}", whose vectors cannot be compared: nothing is stored until ${modelSetting} names the model that answers, which embeds everything anew.`,
      retryable: false,
    });
  }
}

function normalize(name: string): string {
  const withoutPath = name.trim().toLowerCase().replace(/^.*\//, '');
  return withoutPath.replace(/[:@].*$/, '') || withoutPath;
}

/** `name` without path, and what follows is digits and separators, as in `-2026-03-15` and `-v4.0`. */
function isVersionOf(name: string, expected: string): boolean {
  return name.startsWith(expected) && /^[-_.]v?\d[\d._-]*$/.test(name.slice(expected.length));
}
