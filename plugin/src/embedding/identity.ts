/**
 * The settings of a provider that make its vectors what they are, its name as `provider` among them: enough to know it
 * again, never a secret, so it may be written down.
 */
export type EmbeddingIdentity = Readonly<Record<string, unknown>> & { readonly provider: string };

export function isSameIdentity(one: EmbeddingIdentity, other: EmbeddingIdentity): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => one[name] === other[name]);
}
