import type { Status } from '../../api/management';
import { useDuration } from '../../hooks/durations';
import { useFailureText } from '../../hooks/failure-text';
import { useFormats } from '../../hooks/formats';
import { useText } from '../../hooks/text';
import { Note } from './note';

interface IndexNotesProps {
  status: Status;
  /** Why the figures could not be read again; null when they are fresh. */
  failure: unknown;
  /** When they were read, in milliseconds since the epoch. */
  readAt: number;
}

/** What stands in the way of the index, and whether the figures are still true. */
export function IndexNotes({ status, failure, readAt }: IndexNotesProps) {
  const text = useText();
  const failureText = useFailureText();
  const formats = useFormats();
  const duration = useDuration();
  const { bill, hold, preparation, unopened, worker } = status;
  return (
    <>
      {failure !== null && (
        <Note tone="danger">
          {failureText(failure)}{' '}
          {text('index.note.stale', { time: formats.moment(new Date(readAt).toISOString()) })}
        </Note>
      )}
      {hold && (
        <Note tone="warning">
          {hold.by === null
            ? text('index.note.stopped', { time: formats.moment(hold.since) })
            : text('index.note.stoppedBy', { time: formats.moment(hold.since), name: hold.by })}
        </Note>
      )}
      {worker.pause && (
        <Note tone="danger">
          {worker.pause.message}{' '}
          {text('index.note.pause', { left: duration(worker.pause.remainingSeconds) })}
        </Note>
      )}
      {bill.pausedUntil !== null && (
        <Note tone="warning">
          {text('index.note.budget', { time: formats.date(bill.pausedUntil) })}
        </Note>
      )}
      {unopened && (
        <Note tone="warning">
          {text('index.note.unopened', { model: unopened.model, message: unopened.message })}
        </Note>
      )}
      {preparation !== null && <Note tone="neutral">{preparation}</Note>}
      {worker.state === 'disabled' && <Note tone="neutral">{text('index.note.disabled')}</Note>}
    </>
  );
}
