/**
 * Splits items into lists of at most `size`, in order.
 *
 * @param size a positive integer
 */
export function chunksOf<Item>(items: Iterable<Item>, size: number): Item[][] {
  const all = [...items];
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}
