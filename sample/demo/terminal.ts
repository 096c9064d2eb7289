/** One line that is overwritten on a terminal. In a pipe or a file, it prints a new line every few seconds. */
export interface ProgressLine {
  update(text: string): void;
  /** Prints the final text and a line break. */
  end(text: string): void;
}

const PAUSE_BETWEEN_LINES_MS = 5_000;
const CLEAR_LINE = '\r\u001B[2K';

export function createProgressLine(stream: NodeJS.WriteStream): ProgressLine {
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
