import { Box, Flex, Typography } from '@strapi/design-system';
import type { ReactNode } from 'react';
import { styled } from 'styled-components';
import type { Asset } from '../../api/asset';
import { useText } from '../../hooks/text';
import { isPart, type Alignment } from './evidence';
import { describePicture, Frame, Picture, shapeOf, sharpUrl } from './picture';
import type { ShownPair } from './shown-pair';

/** Two pictures beside each other; where one shows a part of the other, that part is outlined. */
export function SideBySide({ left, right, pair }: ShownPair) {
  const { alignment } = pair.evidence;
  return (
    <Pictures>
      {[left, right].map((file) => (
        <Cell key={file.id}>
          <Framed file={file}>
            {alignment && alignment.innerFileId !== file.id && isPart(alignment) && (
              <Outline alignment={alignment} />
            )}
          </Framed>
        </Cell>
      ))}
    </Pictures>
  );
}

function Framed({ file, children }: { file: Asset; children: ReactNode }) {
  return (
    <Frame $shape={shapeOf(file)}>
      <Picture src={sharpUrl(file)} alt={describePicture(file)} decoding="async" />
      {children}
    </Frame>
  );
}

function Outline({ alignment: { region, isMirrored } }: { alignment: Alignment }) {
  const text = useText();
  return (
    <Region
      style={{
        left: percent(region.left),
        top: percent(region.top),
        width: percent(region.width),
        height: percent(region.height),
      }}
    >
      <Label>
        <Typography variant="pi" textColor="neutral0">
          {text(isMirrored ? 'duplicates.outline.mirrored' : 'duplicates.outline')}
        </Typography>
      </Label>
    </Region>
  );
}

export function percent(part: number): string {
  return `${String(part * 100)}%`;
}

const Pictures = styled(Box)`
  display: grid;
  grid-template-columns: 1fr 1fr;
  gap: ${({ theme }) => theme.spaces[4]};
`;

const Cell = styled(Flex)`
  min-width: 0;
`;

const Region = styled.div`
  position: absolute;
  border: 2px solid ${({ theme }) => theme.colors.primary500};
  // Light and dark pictures both need a line that can be seen on them.
  box-shadow:
    0 0 0 1px rgb(255 255 255 / 80%),
    0 0 0 100vmax rgb(0 0 0 / 40%);
`;

const Label = styled.span`
  position: absolute;
  left: 0;
  bottom: 0;
  padding: 0 ${({ theme }) => theme.spaces[1]};
  background: rgb(24 24 38 / 80%);
  & > span {
    color: #fff;
  }
`;
