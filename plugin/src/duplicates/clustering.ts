import type { FoundPair } from './contract';

type Pair = Pick<FoundPair, 'fileA' | 'fileB'>;

/** What is known of the clusters of some files before pairs are added. A cluster's id is that of the file at its centre. */
export interface KnownClusters {
  /** Clusters of the pairs that each file has; files without a pair may be left out. */
  ofFile: ReadonlyMap<number, ReadonlySet<number>>;
  /** How many pairs each of these clusters has. */
  sizes: ReadonlyMap<number, number>;
}

export interface ClusteredPairs<Found extends Pair> {
  added: (Found & { cluster: number })[];
  /** Clusters of one known pair whose centre is now its other file: old id → new id. */
  moved: Map<number, number>;
}

/**
 * Says where new pairs belong, so that pairs which will be shown together can be read together: a cluster is a file,
 * its pairs, and the pairs among its partners. It is never glued together along a chain: a pair joins the cluster that
 * both files are in already, or the one that a file of it is at the centre of, or makes one of its own. Where either
 * file could be the centre, because there is but one pair, the file that gets the next pair is.
 */
export function clusterPairs<Found extends Pair>(
  pairs: readonly Found[],
  known: KnownClusters,
): ClusteredPairs<Found> {
  const ofFile = new Map([...known.ofFile].map(([file, clusters]) => [file, new Set(clusters)]));
  const sizes = new Map(known.sizes);
  const moved = new Map<number, number>();
  const added: (Found & { cluster: number })[] = [];
  const clustersOf = (file: number): Set<number> => {
    const clusters = ofFile.get(file) ?? new Set<number>();
    ofFile.set(file, clusters);
    return clusters;
  };

  /** Makes this file the centre of a cluster that is one pair of it; false when there is none. */
  function takeCentre(file: number): boolean {
    const single = [...clustersOf(file)].find((cluster) => sizes.get(cluster) === 1);
    if (single === undefined) return false;
    for (const clusters of ofFile.values()) if (clusters.delete(single)) clusters.add(file);
    sizes.delete(single);
    sizes.set(file, 1);
    const [mine] = added.filter(({ cluster }) => cluster === single);
    if (mine) mine.cluster = file;
    else moved.set(single, file);
    return true;
  }

  function choose({ fileA, fileB }: Pair): number {
    const [ofA, ofB] = [clustersOf(fileA), clustersOf(fileB)];
    const common = [...ofA].filter((cluster) => ofB.has(cluster));
    if (common.length > 0) return Math.min(...common);
    // A file that is gone may still name a cluster: whoever is asked here has a pair in it.
    const centre = [fileA, fileB].find((file) => clustersOf(file).has(file));
    return centre ?? [fileA, fileB].find(takeCentre) ?? fileA;
  }

  for (const pair of pairs) {
    const cluster = choose(pair);
    added.push({ ...pair, cluster });
    clustersOf(pair.fileA).add(cluster);
    clustersOf(pair.fileB).add(cluster);
    sizes.set(cluster, (sizes.get(cluster) ?? 0) + 1);
  }
  return { added, moved };
}
