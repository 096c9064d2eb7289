/** What becomes of a picture before it is sent, as a part of the vector space. */
export function describePictures(rule: {
  mimeType: string;
  maxEdge: number;
  minEdge?: number;
}): string {
  const { mimeType, maxEdge, minEdge = 1 } = rule;
  const least = minEdge > 1 ? ` and at least ${String(minEdge)} px` : '';
  return `${mimeType} of at most ${String(maxEdge)} px${least}`;
}
