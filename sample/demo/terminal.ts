/**
 * @param work gets a function that shows how far it is
 * @param describe what was done, in a few words
 */
export type Step = <Result>(
  title: string,
  work: (say: (text: string) => void) => Promise<Result>,
  describe: (result: Result) => string,
) => Promise<Result>;

/** Prints a line for each of so many steps, with its number and the seconds that it took so far. */
export function createSteps(stream: NodeJS.WriteStream, total: number): Step {
  let number = 0;
  return async (title, work, describe) => {
    number += 1;
    const line = createProgressLine(stream);
    const prefix = `[${String(number)}/${String(total)}]`;
    const startedAt = Date.now();
    const withTime = (text: string): string =>
      `${prefix} ${text} (${String(Math.round((Date.now() - startedAt) / 1_000))} s)`;
    let latest = `${title}…`;
    const show = (): void => {
      line.update(withTime(latest));
    };
    show();
    const timer = setInterval(show, SECOND_MS);
    try {
      const result = await work((text) => {
        latest = text;
        show();
      });
      line.end(withTime(describe(result)));
      return result;
    } catch (error) {
      line.end(withTime(`${title}: failed`));
      throw error;
    } finally {
      clearInterval(timer);
    }
  };
}

/** One line that is overwritten on a terminal. In a pipe or a file, it prints a new line every few seconds. */
interface ProgressLine {
  update(text: string): void;
  /** Prints the final text and a line break. */
  end(text: string): void;
}

const SECOND_MS = 1_000;
const PAUSE_BETWEEN_LINES_MS = 5_000;
const CLEAR_LINE = '\r\u001B[2K';

function createProgressLine(stream: NodeJS.WriteStream): ProgressLine {
  if (stream.isTTY) {
    const fit = (text: string): string => text.slice(0, Math.max(20, stream.columns - 1));
    return {
      update: (text) => stream.write(`${CLEAR_LINE}${fit(text)}`),
      end: (text) => stream.write(`${CLEAR_LINE}${text}\n`),
    };
  }
  let writtenAt = 0;
  return {
    update(text) {
      if (Date.now() - writtenAt < PAUSE_BETWEEN_LINES_MS) return;
      writtenAt = Date.now();
      stream.write(`${text}\n`);
    },
    end: (text) => stream.write(`${text}\n`),
  };
}
