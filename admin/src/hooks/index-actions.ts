import { useNotification } from '@strapi/strapi/admin';
import { useMutation, useQueryClient, type UseMutationResult } from '@tanstack/react-query';
import { managementApi, type Status } from '../api/management';
import { useFailureText } from './failure-text';
import { fileIndexKey } from './file-index';
import { statusKey } from './index-status';
import { useText } from './text';

export const givenUpKey = ['given-up-pictures'] as const;

/** What an operator can do; whatever fails is said. */
export function useIndexActions() {
  const text = useText();
  return {
    hold: useStatusAction(() => managementApi.hold(), text('index.notice.stopped')),
    resume: useStatusAction(() => managementApi.resume(), text('index.notice.resumed')),
    activate: useStatusAction(managementApi.activate, text('index.notice.activated')),
    drop: useStatusAction(managementApi.drop, text('index.notice.dropped')),
    reindex: useReindexing(managementApi.reindex),
    retry: useReindexing(managementApi.retry),
  };
}

function useStatusAction<Input>(
  act: (input: Input) => Promise<Status>,
  notice: string,
): UseMutationResult<Status, Error, Input> {
  const client = useQueryClient();
  const { toggleNotification } = useNotification();
  const failureText = useFailureText();
  return useMutation({
    mutationFn: act,
    onSuccess: (status) => {
      client.setQueryData(statusKey, status);
      toggleNotification({ type: 'success', message: notice });
    },
    onError: (failure) => {
      toggleNotification({ type: 'danger', message: failureText(failure) });
      void client.invalidateQueries({ queryKey: statusKey });
    },
  });
}

function useReindexing<Input>(
  act: (input: Input) => Promise<number>,
): UseMutationResult<number, Error, Input> {
  const client = useQueryClient();
  const text = useText();
  const { toggleNotification } = useNotification();
  const failureText = useFailureText();
  return useMutation({
    mutationFn: act,
    onSuccess: (count) => {
      toggleNotification({ type: 'success', message: text('index.notice.marked', { count }) });
    },
    onError: (failure) => {
      toggleNotification({ type: 'danger', message: failureText(failure) });
    },
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: statusKey }),
        client.invalidateQueries({ queryKey: givenUpKey }),
        client.invalidateQueries({ queryKey: fileIndexKey }),
      ]),
  });
}
