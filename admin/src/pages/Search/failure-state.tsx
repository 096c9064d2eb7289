import { Button, LinkButton } from '@strapi/design-system';
import { EmptyPermissions, EmptyPictures } from '@strapi/icons/symbols';
import { Link } from 'react-router-dom';
import { mediaLibraryAddress } from '../../api/addresses';
import { ApiFailure } from '../../api/failure';
import { StateMessage } from '../../components/state-message';
import { useImageSearchPermissions } from '../../hooks/permissions';
import { useText, type Text } from '../../hooks/text';

interface FailureStateProps {
  failure: Error;
  /** The one file that the search is about, whose details say why it cannot be used; null for none, or several. */
  fileId: number | null;
  onRetry: () => void;
  onStartAnew: () => void;
}

const SERVICE_UNAVAILABLE = 503;

/** Why a search has no answer, and what can be done. */
export function FailureState({ failure, fileId, onRetry, onStartAnew }: FailureStateProps) {
  const text = useText();
  const { may } = useImageSearchPermissions();
  const { title, explanation, details, canRetry, isOperators } = describe(failure, text);
  return (
    <StateMessage
      icon={
        isForbidden(failure) ? <EmptyPermissions width="16rem" /> : <EmptyPictures width="16rem" />
      }
      title={title}
      {...(explanation !== undefined && { text: explanation })}
      {...(details !== undefined && { details })}
      action={
        <>
          {canRetry ? (
            <Button variant="secondary" onClick={onRetry}>
              {text('common.failure.tryAgain')}
            </Button>
          ) : (
            <Button variant="secondary" onClick={onStartAnew}>
              {text('search.failure.startAnew')}
            </Button>
          )}
          {fileId !== null && failure instanceof ApiFailure && failure.code === 'not-ready' && (
            <LinkButton tag={Link} to={mediaLibraryAddress(fileId)} variant="tertiary">
              {text('search.details.openInLibrary')}
            </LinkButton>
          )}
          {isOperators && may.manage && (
            <LinkButton tag={Link} to="../index" relative="path" variant="tertiary">
              {text('search.failure.openIndex')}
            </LinkButton>
          )}
        </>
      }
    />
  );
}

interface Description {
  title: string;
  explanation?: string;
  details?: string;
  canRetry: boolean;
  /** Whether those who look after the index can do something about it. */
  isOperators: boolean;
}

function describe(failure: Error, text: Text): Description {
  const { code, status } =
    failure instanceof ApiFailure ? failure : { code: 'unexpected', status: null };
  const details = text('search.failure.details', { message: failure.message });
  const retryable = { canRetry: true, isOperators: false };
  if (code === 'rate-limited') {
    return {
      title: text('search.failure.limited.title'),
      explanation: text('search.failure.limited.text'),
      ...retryable,
    };
  }
  if (code === 'network' || code === 'unknown-answer') {
    const key = code === 'network' ? 'common.failure.network' : 'common.failure.answer';
    return { title: text('common.failure.title'), explanation: text(key), ...retryable };
  }
  if (isForbidden(failure)) {
    return {
      title: text('search.failure.forbidden.title'),
      explanation: text('search.failure.forbidden.text'),
      ...retryable,
    };
  }
  if (status === SERVICE_UNAVAILABLE) {
    return {
      title: text('search.failure.unavailable.title'),
      explanation: text('search.failure.unavailable.text'),
      details,
      canRetry: true,
      isOperators: true,
    };
  }
  if (code === 'file-not-found' || code.startsWith('image-') || code === 'not-ready') {
    return {
      title: text('search.failure.example.title'),
      details,
      canRetry: code === 'not-ready',
      isOperators: false,
    };
  }
  if (code === 'invalid-input' || code === 'provider-rejected-input') {
    return {
      title: text('search.failure.input.title'),
      details,
      canRetry: false,
      isOperators: false,
    };
  }
  return { title: text('common.failure.title'), details, canRetry: true, isOperators: true };
}

function isForbidden(failure: Error): boolean {
  return failure instanceof ApiFailure && failure.code === 'forbidden';
}
