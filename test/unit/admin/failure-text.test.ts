import { describe, expect, it } from '@jest/globals';
import { ApiFailure } from '../../../admin/src/api/failure';
import {
  bulkProblemText,
  explainFailure,
  explainProblem,
} from '../../../admin/src/hooks/failure-text';
import type { Text } from '../../../admin/src/hooks/text';
import german from '../../../admin/src/translations/de.json';
import { errorCodes } from '../../../plugin/src/contracts/errors';

/** Texts of a language, without the formatting of plurals. */
const text: Text = (key, values = {}) =>
  Object.entries(values).reduce(
    (written, [name, value]) => written.replace(`{${name}}`, String(value)),
    german[key],
  );

describe('a failure', () => {
  it.each([...errorCodes, 'forbidden', 'signed-out', 'of-a-newer-version'])(
    "with the code %s is explained in the user's language",
    (code) => {
      const message = 'embedding.apiKey was rejected.';
      const [sentence = '', details] = explainProblem({ code, message }, text).split(
        ' Antwort des Servers: ',
      );
      expect(Object.values(german)).toContain(sentence);
      expect([undefined, message]).toContain(details);
    },
  );

  it('keeps what the server says of settings and hosts', () => {
    const problem = { code: 'provider-unauthorized', message: 'Check JINA_API_KEY.' };
    expect(explainProblem(problem, text)).toBe(
      'Das Modell ist nicht verfügbar. Antwort des Servers: Check JINA_API_KEY.',
    );
  });

  it('names the merge to undo first', () => {
    const message = '“a.jpg” (1), the kept file, was itself merged into “b.jpg” by merge 7.';
    const failure = new ApiFailure({
      code: 'conflict',
      conflict: 'kept-merged',
      status: 409,
      message,
    });
    expect(explainFailure(failure, text)).toBe(
      `${german['duplicates.conflict.kept-merged']} Antwort des Servers: ${message}`,
    );
  });

  it("of a bulk merge doesn't tell readers that they lack the permission of who asked for it", () => {
    const problem = { code: 'forbidden', message: 'The user may no longer change files.' } as const;
    expect(bulkProblemText(problem, text)).toBe(german['duplicates.bulk.askerForbidden']);
    expect(explainProblem(problem, text)).toBe(german['common.failure.forbidden']);
  });
});
