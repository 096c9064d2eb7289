import * as z from 'zod';
import { apiLimits } from './limits';

/** Strapi filters on `plugin::upload.file`: bounded here, because Strapi walks them in one go; checked there. */
export const filtersSchema = z
  .record(z.string(), z.unknown(), 'must be an object of Strapi filters')
  .superRefine((filters, context) => {
    const fault = faultOf(filters);
    if (fault !== null) context.addIssue({ code: 'custom', message: fault });
  });

/** Neither recurses nor looks at more than is allowed: filters of any size and depth are refused quickly. */
function faultOf(filters: object): string | null {
  const { maxFilterNodes, maxFilterLevels } = apiLimits;
  const waiting = [{ parent: filters, level: 1 }];
  let nodes = 0;
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { parent, level } = next;
    const children: unknown[] = Array.isArray(parent) ? parent : Object.values(parent);
    nodes += children.length;
    if (nodes > maxFilterNodes) {
      return `must have at most ${String(maxFilterNodes)} keys and list items, all levels together`;
    }
    if (level > maxFilterLevels && children.length > 0) {
      return `must have at most ${String(maxFilterLevels)} levels`;
    }
    for (const child of children) {
      if (isParent(child)) waiting.push({ parent: child, level: level + 1 });
    }
  }
  return null;
}

function isParent(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
