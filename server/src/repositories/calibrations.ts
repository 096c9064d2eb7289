import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type {
  Calibration,
  Calibrations,
  EmbeddedNullTexts,
} from '../../../plugin/src/search/relevance/contract';
import { CALIBRATION_UID } from '../plugin-id';

const vectorSchema = z
  .string()
  .refine((text) => Buffer.byteLength(text, 'base64') % Float32Array.BYTES_PER_ELEMENT === 0)
  .transform(decodeVector);

const figuresSchema = z.object({
  version: z.number(),
  files: z.number(),
  texts: z.array(z.number()),
  pairs: z.tuple([z.number(), z.number(), z.number()]),
  images: z.array(z.number()),
  neutral: vectorSchema,
  nonsense: vectorSchema,
  center: vectorSchema,
});

const figuresRowSchema = z.object({ figures: figuresSchema.nullable() });

const summaryRowSchema = z.object({ version: z.number(), files: z.number() });

const textsRowSchema = z.object({
  version: z.number(),
  nonsense: z.number(),
  vectors: z
    .string()
    .transform((text) => text.split(' '))
    .pipe(z.array(vectorSchema)),
});

/** Calibrations in Strapi's database. Vectors are base64 of 32-bit floats, little-endian. */
export function createCalibrations(strapi: Core.Strapi): Calibrations {
  const rows = () => strapi.db.query(CALIBRATION_UID);

  async function write(spaceId: string, data: Record<string, unknown>): Promise<void> {
    const { count } = await rows().updateMany({ where: { spaceId }, data });
    if (count > 0) return;
    try {
      await rows().create({ data: { ...data, spaceId } });
    } catch (error) {
      // Another process was first.
      if ((await rows().count({ where: { spaceId } })) === 0) throw error;
    }
  }

  return {
    async read(spaceId): Promise<Calibration | null> {
      const row: unknown = await rows().findOne({ where: { spaceId }, select: ['figures'] });
      return figuresRowSchema.safeParse(row).data?.figures ?? null;
    },

    async readSummary(spaceId) {
      const row: unknown = await rows().findOne({
        where: { spaceId },
        select: ['version', 'files'],
      });
      return summaryRowSchema.safeParse(row).data ?? null;
    },

    async readTexts(spaceId): Promise<EmbeddedNullTexts | null> {
      const row: unknown = await rows().findOne({
        where: { spaceId },
        select: ['version', 'nonsense', 'vectors'],
      });
      const { data } = textsRowSchema.safeParse(row);
      if (!data) return null;
      const { nonsense, vectors, version } = data;
      return {
        version,
        nonsense: vectors.slice(0, nonsense),
        abstract: vectors.slice(nonsense),
      };
    },

    async saveTexts(spaceId, { abstract, nonsense, version }) {
      await write(spaceId, {
        version,
        nonsense: nonsense.length,
        vectors: [...nonsense, ...abstract].map(encodeVector).join(' '),
        files: null,
        figures: null,
      });
    },

    async save(spaceId, { center, neutral, nonsense, ...figures }) {
      await rows().updateMany({
        where: { spaceId },
        data: {
          files: figures.files,
          figures: {
            ...figures,
            neutral: encodeVector(neutral),
            nonsense: encodeVector(nonsense),
            center: encodeVector(center),
          },
        },
      });
    },

    async forget(spaceId) {
      await rows().deleteMany({ where: { spaceId } });
    },
  };
}

function encodeVector(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * Float32Array.BYTES_PER_ELEMENT);
  for (const [index, value] of vector.entries()) {
    bytes.writeFloatLE(value, index * Float32Array.BYTES_PER_ELEMENT);
  }
  return bytes.toString('base64');
}

function decodeVector(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64');
  return Float32Array.from({ length: bytes.length / Float32Array.BYTES_PER_ELEMENT }, (_, index) =>
    bytes.readFloatLE(index * Float32Array.BYTES_PER_ELEMENT),
  );
}
