import { source } from 'axe-core';
import type { Page } from 'playwright-core';
import { z } from 'zod';

const resultsSchema = z.object({
  violations: z.array(
    z.object({
      id: z.string(),
      impact: z.string().nullish(),
      help: z.string(),
      nodes: z.array(z.object({ html: z.string(), failureSummary: z.string().optional() })),
    }),
  ),
});

const GRAVE = ['serious', 'critical'];

/**
 * What axe finds wrong in a part of the page, one line each; empty for nothing serious. Strapi's own frame around it is not
 * looked at.
 */
export async function findAccessibilityFaults(page: Page, selector = 'main'): Promise<string[]> {
  await page.evaluate(source);
  const results: unknown = await page.evaluate(
    `axe.run(${JSON.stringify(selector)}, { resultTypes: ['violations'] })`,
  );
  return resultsSchema
    .parse(results)
    .violations.filter(({ impact }) => GRAVE.includes(impact ?? ''))
    .flatMap(({ id, help, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html} ${failureSummary ?? ''}`),
    );
}
