/** The calendar month of a moment (milliseconds since the epoch) in UTC: `2026-01`. */
export function monthOf(moment: number): string {
  return new Date(moment).toISOString().slice(0, 7);
}

/** When the next month begins, in milliseconds since the epoch. */
export function nextMonthAfter(moment: number): number {
  const date = new Date(moment);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}

/** The month before that of a moment. */
export function monthBefore(moment: number): string {
  const date = new Date(moment);
  return monthOf(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - 1, 1));
}
