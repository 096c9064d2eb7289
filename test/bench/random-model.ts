import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

const sampleModel = path.resolve(__dirname, '../../sample/model');

/** Of CLIP's ViT-B/32. */
const VISION = { width: 768, layers: 12, heads: 12, patch: 32, side: 224 };
const TEXT = { width: 512, layers: 12, heads: 8, vocabulary: 14_000 };
const DIMENSIONS = 512;

export type RandomWeights = 'fp32' | 'q8';

const suffixes: Record<RandomWeights, string> = { fp32: '', q8: '_quantized' };

/**
 * Writes a model with the arithmetic of CLIP's ViT-B/32 and random weights, the same every time, and returns its folder.
 * `q8` quantizes activations as they come, as the published files do. Its vectors mean nothing, but take as long.
 */
export async function writeRandomModel(folder: string, weights: RandomWeights): Promise<string> {
  const model = path.join(folder, `random-vit-b-32-${weights}`);
  await mkdir(path.join(model, 'onnx'), { recursive: true });
  await writeFile(
    path.join(model, 'config.json'),
    JSON.stringify({
      model_type: 'clip',
      projection_dim: DIMENSIONS,
      text_config: { max_position_embeddings: 32 },
    }),
  );
  await writeFile(path.join(model, 'preprocessor_config.json'), JSON.stringify({ size: 224 }));
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
    await copyFile(path.join(sampleModel, name), path.join(model, name));
  }
  const encoders = { vision_model: buildVision(weights), text_model: buildText(weights) };
  for (const [name, bytes] of Object.entries(encoders)) {
    await writeFile(path.join(model, 'onnx', `${name}${suffixes[weights]}.onnx`), bytes);
  }
  return model;
}

function buildVision(weights: RandomWeights): Buffer {
  const { heads, layers, patch, side, width } = VISION;
  const graph = new Graph(weights);
  const kernel = graph.floats([width, 3, patch, patch]);
  const attributes = [ints('strides', [patch, patch]), ints('kernel_shape', [patch, patch])];
  const patches = graph.node('Conv', ['pixel_values', kernel], attributes);
  const columns = graph.reshape(patches, [0, width, -1]);
  let tokens = graph.node('Transpose', [columns], [ints('perm', [0, 2, 1])]);
  for (let layer = 0; layer < layers; layer += 1) tokens = graph.block(tokens, { width, heads });
  graph.project(tokens, { width, output: 'image_embeds' });
  return graph.encode(
    { name: 'pixel_values', type: FLOAT, shape: ['batch', 3, side, side] },
    'image_embeds',
  );
}

function buildText(weights: RandomWeights): Buffer {
  const { heads, layers, vocabulary, width } = TEXT;
  const graph = new Graph(weights);
  let tokens = graph.node('Gather', [graph.floats([vocabulary, width]), 'input_ids']);
  for (let layer = 0; layer < layers; layer += 1) tokens = graph.block(tokens, { width, heads });
  graph.project(tokens, { width, output: 'text_embeds' });
  return graph.encode(
    { name: 'input_ids', type: INT64, shape: ['batch', 'tokens'] },
    'text_embeds',
  );
}

/* The messages of onnx.proto that such a graph needs. */

const FLOAT = 1;
const INT8 = 3;
const INT64 = 7;
const IR_VERSION = 8;
const OPSET = 17;
/** Deviation of the weights. */
const SPREAD = 0.02;

class Graph {
  readonly #weights: RandomWeights;
  readonly #nodes: Buffer[] = [];
  readonly #initializers: Buffer[] = [];
  readonly #random = createRandom();
  #count = 0;

  constructor(weights: RandomWeights) {
    this.#weights = weights;
  }

  node(
    type: string,
    inputs: readonly string[],
    attributes: readonly Buffer[] = [],
    outputs = [this.#name()],
  ): string {
    this.#nodes.push(
      Buffer.concat([
        ...inputs.map((name) => field(1, name)),
        ...outputs.map((name) => field(2, name)),
        field(4, type),
        ...attributes.map((attribute) => field(5, attribute)),
      ]),
    );
    return outputs[0] ?? '';
  }

  /** Pre-norm attention and a perceptron four times as wide. */
  block(tokens: string, { heads, width }: { width: number; heads: number }): string {
    const split = (projected: string, permutation: readonly number[]): string => {
      const parted = this.reshape(projected, [0, 0, heads, width / heads]);
      return this.node('Transpose', [parted], [ints('perm', permutation)]);
    };
    const normal = this.#normalize(tokens, width);
    const query = split(this.#linear(normal, width, width), [0, 2, 1, 3]);
    const key = split(this.#linear(normal, width, width), [0, 2, 3, 1]);
    const value = split(this.#linear(normal, width, width), [0, 2, 1, 3]);
    const scale = this.#scalar(1 / Math.sqrt(width / heads));
    const scores = this.node('Mul', [this.node('MatMul', [query, key]), scale]);
    const attention = this.node('MatMul', [this.node('Softmax', [scores]), value]);
    const joined = this.reshape(this.node('Transpose', [attention], [ints('perm', [0, 2, 1, 3])]), [
      0,
      0,
      width,
    ]);
    const attended = this.node('Add', [tokens, this.#linear(joined, width, width)]);
    const wide = this.#linear(this.#normalize(attended, width), width, 4 * width);
    const active = this.node('Mul', [wide, this.node('Sigmoid', [wide])]);
    return this.node('Add', [attended, this.#linear(active, 4 * width, width)]);
  }

  /** The mean of all tokens as an embedding. */
  project(tokens: string, { output, width }: { width: number; output: string }): void {
    const attributes = [ints('axes', [1]), int('keepdims', 0)];
    const mean = this.node('ReduceMean', [this.#normalize(tokens, width)], attributes);
    this.node('MatMul', [mean, this.floats([width, DIMENSIONS])], [], [output]);
  }

  reshape(tensor: string, shape: readonly number[]): string {
    const data = Buffer.from(BigInt64Array.from(shape, BigInt).buffer);
    return this.node('Reshape', [tensor, this.#constant([shape.length], INT64, data)]);
  }

  floats(shape: readonly number[]): string {
    const length = shape.reduce((product, side) => product * side, 1);
    const values = new Float32Array(length);
    for (let index = 0; index < length; index += 1) {
      values[index] = SPREAD * (this.#random() / 2 ** 31);
    }
    return this.#constant(shape, FLOAT, Buffer.from(values.buffer));
  }

  encode(
    input: { name: string; type: number; shape: readonly (number | string)[] },
    output: string,
  ) {
    const graph = Buffer.concat([
      ...this.#nodes.map((node) => field(1, node)),
      field(2, 'random'),
      ...this.#initializers.map((tensor) => field(5, tensor)),
      field(11, valueInfo(input)),
      field(12, valueInfo({ name: output, type: FLOAT, shape: ['batch', DIMENSIONS] })),
    ]);
    const opset = Buffer.concat([field(1, ''), field(2, OPSET)]);
    return Buffer.concat([field(1, IR_VERSION), field(7, graph), field(8, opset)]);
  }

  #linear(input: string, from: number, to: number): string {
    if (this.#weights === 'fp32') return this.node('MatMul', [input, this.floats([from, to])]);
    const words = new Int32Array((from * to) / 4);
    for (let index = 0; index < words.length; index += 1) words[index] = this.#random();
    const weights = this.#constant([from, to], INT8, Buffer.from(words.buffer));
    const [quantized, scale, zero] = [this.#name(), this.#name(), this.#name()];
    this.node('DynamicQuantizeLinear', [input], [], [quantized, scale, zero]);
    const product = this.node('MatMulInteger', [quantized, weights, zero]);
    const float = this.node('Cast', [product], [int('to', FLOAT)]);
    return this.node('Mul', [float, this.node('Mul', [scale, this.#scalar(SPREAD / 128)])]);
  }

  #normalize(tokens: string, width: number): string {
    const constant = (value: number): string =>
      this.#constant([width], FLOAT, Buffer.from(new Float32Array(width).fill(value).buffer));
    // Without a bias, ONNX Runtime 1.17 ends the process.
    return this.node('LayerNormalization', [tokens, constant(1), constant(0)]);
  }

  #scalar(value: number): string {
    return this.#constant([], FLOAT, Buffer.from(Float32Array.of(value).buffer));
  }

  #constant(shape: readonly number[], type: number, data: Buffer): string {
    const name = this.#name();
    const dimensions = shape.map((side) => field(1, side));
    this.#initializers.push(
      Buffer.concat([...dimensions, field(2, type), field(8, name), field(9, data)]),
    );
    return name;
  }

  #name(): string {
    this.#count += 1;
    return `t${String(this.#count)}`;
  }
}

function valueInfo({
  name,
  shape,
  type,
}: {
  name: string;
  type: number;
  shape: readonly (number | string)[];
}): Buffer {
  const dimensions = shape.map((side) =>
    field(1, typeof side === 'number' ? field(1, side) : field(2, side)),
  );
  const tensor = Buffer.concat([field(1, type), field(2, Buffer.concat(dimensions))]);
  return Buffer.concat([field(1, name), field(2, field(1, tensor))]);
}

function int(name: string, value: number): Buffer {
  return Buffer.concat([field(1, name), field(3, value), field(20, 2)]);
}

function ints(name: string, values: readonly number[]): Buffer {
  return Buffer.concat([field(1, name), ...values.map((value) => field(8, value)), field(20, 7)]);
}

/** A field of a protocol buffer: a number as a varint, anything else with its length. */
function field(number: number, value: number | string | Buffer): Buffer {
  if (typeof value === 'number') return Buffer.concat([varint(number << 3), varint(value)]);
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, BigInt(value));
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  return Buffer.from([...bytes, Number(left)]);
}

/** Marsaglia's xorshift (2003): 32 bits, seeded. */
function createRandom(): () => number {
  let state = 0x9e3779b9;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  };
}
