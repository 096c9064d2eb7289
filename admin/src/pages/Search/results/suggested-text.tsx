import { Box, Button, Flex, Typography } from '@strapi/design-system';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Asset } from '../../../api/asset';
import { fetchAsset, saveTexts } from '../../../api/library';
import { useFailureText } from '../../../hooks/failure-text';
import { useFileDuplicates } from '../../../hooks/files';
import { libraryKeys } from '../../../hooks/library';
import { useText } from '../../../hooks/text';
import { searchKey } from '../page-state';
import { suggestText } from '../suggestion';

/** The alternative text of a duplicate, for an image that has none; nothing where there is none to be had. */
export function SuggestedText({
  asset,
  action,
  isBusy = false,
  onUse,
}: {
  asset: Asset;
  /** What the button says. */
  action: string;
  isBusy?: boolean;
  onUse: (text: string) => void;
}) {
  const text = useText();
  const suggestion = suggestText(useFileDuplicates(asset.id));
  if (suggestion === null) return null;
  const kind = text(`search.details.${suggestion.kind}`);
  return (
    <Box
      padding={3}
      background="primary100"
      hasRadius
      role="group"
      aria-label={text('search.suggestion.title')}
    >
      <Flex gap={3} justifyContent="space-between" alignItems="center">
        <Box minWidth={0}>
          <Typography tag="p" variant="pi" textColor="neutral600">
            {text('search.suggestion.title')}
          </Typography>
          <Typography tag="p">{suggestion.text}</Typography>
          <Typography tag="p" variant="pi" textColor="neutral600">
            {text('search.suggestion.source', { name: suggestion.name, kind })}
          </Typography>
        </Box>
        <Button
          size="S"
          variant="secondary"
          type="button"
          loading={isBusy}
          onClick={() => {
            onUse(suggestion.text);
          }}
        >
          {action}
        </Button>
      </Flex>
    </Box>
  );
}

/** Writes the suggestion when its button is pressed, and nothing before. */
export function SaveSuggestedText({ asset }: { asset: Asset }) {
  const text = useText();
  const failureText = useFailureText();
  const queryClient = useQueryClient();
  const save = useMutation({
    mutationFn: async (alternativeText: string) => {
      const current = await fetchAsset(asset.id);
      // Somebody was faster: their text is shown instead.
      if (!current.alternativeText?.trim()) await saveTexts(asset.id, { alternativeText });
    },
    onSuccess: async () => {
      await Promise.all([
        queryClient.invalidateQueries({ queryKey: libraryKeys.asset(asset.id) }),
        queryClient.invalidateQueries({ queryKey: searchKey }),
      ]);
    },
  });
  if (asset.alternativeText) return null;
  return (
    <>
      <SuggestedText
        asset={asset}
        action={text('search.suggestion.save')}
        isBusy={save.isPending}
        onUse={save.mutate}
      />
      {save.error && (
        <Typography role="alert" textColor="danger600">
          {failureText(save.error)}
        </Typography>
      )}
    </>
  );
}
