import type { Logger } from '../../plugin/src/logger';

export interface LogLine {
  level: keyof Logger;
  message: string;
}

export interface RecordingLogger extends Logger {
  readonly lines: readonly LogLine[];
  /** Messages of one level, in order. */
  at(level: keyof Logger): string[];
}

export function createRecordingLogger(): RecordingLogger {
  const lines: LogLine[] = [];
  const record = (level: keyof Logger) => (message: string) => {
    lines.push({ level, message });
  };
  return {
    lines,
    at: (level) => lines.filter((line) => line.level === level).map((line) => line.message),
    debug: record('debug'),
    info: record('info'),
    warn: record('warn'),
    error: record('error'),
  };
}
