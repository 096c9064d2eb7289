import { Badge, Checkbox, Flex, Radio, Typography } from '@strapi/design-system';
import { styled } from 'styled-components';
import { thumbnailUrl, type Asset } from '../../api/asset';
import { useFormats } from '../../hooks/formats';
import { useText } from '../../hooks/text';

interface MergeChoiceProps {
  files: readonly Asset[];
  keepId: number;
  suggestedId: number | null;
  /** Files of the group that are not merged. */
  leftOut: readonly number[];
  onKeep: (id: number) => void;
  onLeaveOut: (ids: readonly number[]) => void;
}

/** Which file stays, and, of more than two, which ones take part. */
export function MergeChoice(props: MergeChoiceProps) {
  const { files, keepId, suggestedId, leftOut, onKeep, onLeaveOut } = props;
  const text = useText();
  return (
    <Radio.Group
      aria-label={text('duplicates.merge.choice')}
      value={String(keepId)}
      onValueChange={(value) => {
        onKeep(Number(value));
      }}
    >
      <Cards>
        {files.map((file) => (
          <Choice
            key={file.id}
            file={file}
            isKept={file.id === keepId}
            isSuggested={file.id === suggestedId}
            isLeftOut={leftOut.includes(file.id)}
            onInclude={
              files.length > 2
                ? (isIncluded) => {
                    const others = leftOut.filter((id) => id !== file.id);
                    onLeaveOut(isIncluded ? others : [...others, file.id]);
                  }
                : undefined
            }
          />
        ))}
      </Cards>
    </Radio.Group>
  );
}

interface ChoiceProps {
  file: Asset;
  isKept: boolean;
  isSuggested: boolean;
  isLeftOut: boolean;
  onInclude: ((isIncluded: boolean) => void) | undefined;
}

function Choice({ file, isKept, isSuggested, isLeftOut, onInclude }: ChoiceProps) {
  const text = useText();
  const formats = useFormats();
  const { name, width, height, size } = file;
  const shape = width && height ? `${formats.number(width)} × ${formats.number(height)} · ` : '';
  return (
    <Card data-kept={isKept || undefined} data-left-out={isLeftOut || undefined}>
      <Thumbnail src={thumbnailUrl(file)} alt="" />
      <Flex direction="column" alignItems="flex-start" gap={1} minWidth={0} flex="1">
        <Radio.Item value={String(file.id)} disabled={isLeftOut}>
          {text('duplicates.merge.keep', { name })}
        </Radio.Item>
        <Typography variant="pi" textColor="neutral600">
          {`${shape}${formats.bytes((size ?? 0) * 1_000)}`}
        </Typography>
        {onInclude && !isKept && (
          <Checkbox
            checked={!isLeftOut}
            onCheckedChange={(checked) => {
              onInclude(checked === true);
            }}
          >
            {text('duplicates.merge.include')}
          </Checkbox>
        )}
      </Flex>
      {isSuggested && <Badge variant="success">{text('duplicates.merge.suggested')}</Badge>}
    </Card>
  );
}

const Cards = styled.div`
  display: grid;
  grid-template-columns: repeat(auto-fit, minmax(30rem, 1fr));
  gap: ${({ theme }) => theme.spaces[3]};
`;

const Card = styled.div`
  display: flex;
  align-items: flex-start;
  gap: ${({ theme }) => theme.spaces[3]};
  padding: ${({ theme }) => theme.spaces[3]};
  border: 1px solid ${({ theme }) => theme.colors.neutral200};
  border-radius: ${({ theme }) => theme.borderRadius};
  &[data-kept] {
    border-color: ${({ theme }) => theme.colors.primary600};
    box-shadow: 0 0 0 1px ${({ theme }) => theme.colors.primary600};
  }
  &[data-left-out] > img {
    opacity: 0.5;
  }
`;

const Thumbnail = styled.img`
  width: 6.4rem;
  height: 6.4rem;
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral150};
  object-fit: cover;
`;
