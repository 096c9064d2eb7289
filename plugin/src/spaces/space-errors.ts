import type { VectorSpace } from '../embedding/contract';
import { ImageSearchError } from '../errors';
import type { SpaceRecord } from './contract';

/** @throws ImageSearchError `invalid-input` for a space that is not known */
export function findIn(records: readonly SpaceRecord[], spaceId: string): SpaceRecord {
  const record = records.find(({ space }) => space.id === spaceId);
  if (record) return record;
  const known = records.map(({ space }) => space.id).join(', ') || 'none yet';
  throw new ImageSearchError({
    code: 'invalid-input',
    message: `There is no space "${spaceId}"; known: ${known}.`,
    retryable: false,
  });
}

/** Why a space cannot be dropped. */
const reasons = {
  answering: (id: string) =>
    `Searches are answered in the space ${id}: it cannot be dropped. Switch to another first.`,
  configured: (id: string) =>
    `The configuration names the space ${id}: it would be filled again. Name another model first.`,
  fallback: (id: string) =>
    `The configuration names the space ${id} as embedding.fallback: it would be filled again. Name another one, or none, first.`,
};

export function inUseError({ space }: SpaceRecord, reason: keyof typeof reasons): ImageSearchError {
  return new ImageSearchError({
    code: 'conflict',
    message: reasons[reason](space.id),
    retryable: false,
  });
}

/** Why nothing can answer in the former space of a model. */
export function otherVectorsError({ model }: VectorSpace): ImageSearchError {
  return new ImageSearchError({
    code: 'provider-model-missing',
    message: `The model "${model}" makes other vectors than those that are stored: its files have changed. Bring the former files back, or switch to the new space.`,
    retryable: true,
  });
}

export function lateSwitchError(): ImageSearchError {
  return new ImageSearchError({
    code: 'conflict',
    message: 'Another switch came first. Look at the status and try again.',
    retryable: true,
  });
}
