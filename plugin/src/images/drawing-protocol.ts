/*
 * How the reader and the process that draws SVG documents talk. There: an order as JSON in the first argument, the
 * document on standard input. Back, on standard output: a PNG file, or a report as JSON. Standard error is not
 * listened to, as the libraries underneath write warnings to it.
 */

export interface DrawingOrder {
  /** The drawing is as large as both edges allow, in pixels, proportions kept. */
  shorterEdge: number;
  longerEdge: number;
  timeoutMs: number;
  /** Resident memory of the whole process, some 70 MB of which it needs to start. */
  maxMemoryBytes: number;
}

export type DrawingFailure = 'no-drawing' | 'damaged' | 'too-much-time' | 'too-much-memory';

export interface DrawingReport {
  failure: DrawingFailure;
  /** What the decoder said. */
  words: string;
}
