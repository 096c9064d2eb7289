/** What a command ends with. A signal is answered with 128 + its number, as shells have it. */
export const ExitCode = { done: 0, failed: 1, wrongUsage: 2, interrupted: 130 } as const;
