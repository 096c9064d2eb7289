import type { EmbeddingConfig } from '../../../plugin/src/embedding/registry';
import { azureDouble } from './azure';
import { cohereDouble } from './cohere';
import { deepinfraDouble } from './deepinfra';
import type { VendorDouble } from './double';
import { geminiDouble } from './gemini';
import { infinityDouble } from './infinity';
import { jinaDouble } from './jina';
import { nvidiaDouble } from './nvidia';
import { openrouterDouble } from './openrouter';
import { vllmDouble } from './vllm';
import { voyageDouble } from './voyage';

export interface Vendor {
  name: string;
  double: VendorDouble;
  /** What the configuration says of it besides address and key. */
  settings: Record<string, unknown> & Pick<EmbeddingConfig, 'provider'>;
  /** Length of the vectors that the double answers when a request asks for none. */
  native: number;
  /** How the real service is reached: environment variables and, unless one of them names it, its address. */
  live: {
    key: string;
    address?: string;
    url?: string;
    settings?: Record<string, unknown>;
    /** Environment variables that may name another model of a server of one's own, and the length of its vectors. */
    model?: { name: string; dimensions: string };
  };
}

/** Every hosted provider, and every format of the provider `openai`. */
export const vendors: readonly Vendor[] = [
  {
    name: 'openai, format jina',
    double: jinaDouble('jina-clip-v2', 256),
    settings: { provider: 'openai', imageFormat: 'jina', model: 'jina-clip-v2', dimensions: 256 },
    native: 256,
    live: { key: 'JINA_API_KEY', url: 'https://api.jina.ai/v1' },
  },
  {
    name: 'openai, format openrouter',
    double: openrouterDouble,
    settings: {
      provider: 'openai',
      imageFormat: 'openrouter',
      model: 'google/gemini-embedding-2',
      dimensions: 256,
    },
    native: 256,
    live: { key: 'OPENROUTER_API_KEY', url: 'https://openrouter.ai/api/v1' },
  },
  {
    name: 'openai, format deepinfra',
    double: deepinfraDouble,
    settings: {
      provider: 'openai',
      imageFormat: 'deepinfra',
      model: 'google/embeddinggemma-2',
      dimensions: 256,
    },
    native: 256,
    live: { key: 'DEEPINFRA_API_KEY', url: 'https://api.deepinfra.com/v1/openai' },
  },
  {
    name: 'openai, format nvidia',
    double: nvidiaDouble,
    settings: {
      provider: 'openai',
      imageFormat: 'nvidia',
      model: 'nvidia/llama-nemotron-embed-vl-1b-v2',
      dimensions: 256,
    },
    native: 256,
    live: {
      key: 'NVIDIA_API_KEY',
      url: 'https://integrate.api.nvidia.com/v1',
      settings: { dimensions: 2_048 },
    },
  },
  {
    name: 'openai, format infinity',
    double: infinityDouble,
    settings: {
      provider: 'openai',
      imageFormat: 'infinity',
      model: 'openai/clip-vit-base-patch32',
      dimensions: 256,
    },
    native: 256,
    live: {
      key: 'INFINITY_API_KEY',
      address: 'INFINITY_URL',
      settings: { dimensions: 512 },
      model: { name: 'INFINITY_MODEL', dimensions: 'INFINITY_DIMENSIONS' },
    },
  },
  {
    name: 'openai, format vllm',
    double: vllmDouble,
    settings: {
      provider: 'openai',
      imageFormat: 'vllm',
      model: 'Qwen/Qwen3-VL-Embedding-2B',
      dimensions: 256,
    },
    native: 256,
    live: {
      key: 'VLLM_API_KEY',
      address: 'VLLM_URL',
      settings: { dimensions: 2_048 },
      model: { name: 'VLLM_MODEL', dimensions: 'VLLM_DIMENSIONS' },
    },
  },
  {
    name: 'azure',
    double: azureDouble,
    settings: { provider: 'azure' },
    native: 1_024,
    live: { key: 'AZURE_VISION_KEY', address: 'AZURE_VISION_ENDPOINT' },
  },
  {
    name: 'cohere',
    double: cohereDouble,
    settings: { provider: 'cohere', dimensions: 256 },
    native: 256,
    live: { key: 'COHERE_API_KEY' },
  },
  {
    name: 'gemini',
    double: geminiDouble,
    settings: { provider: 'gemini', dimensions: 256 },
    native: 256,
    live: { key: 'GEMINI_API_KEY' },
  },
  {
    name: 'voyage',
    double: voyageDouble,
    settings: { provider: 'voyage', dimensions: 256 },
    native: 256,
    live: { key: 'VOYAGE_API_KEY' },
  },
];
