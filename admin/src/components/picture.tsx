import { Flex, Typography } from '@strapi/design-system';
import { Image as ImageIcon } from '@strapi/icons';
import { useState } from 'react';
import { styled } from 'styled-components';
import { absoluteUrl, sourceSet, thumbnailUrl, type Asset } from '../api/asset';

interface PictureProps {
  asset: Asset;
  /** In CSS pixels, as wide as it is shown: the browser takes the smallest copy that is good enough. */
  width: number;
  /** `cover` fills its box, `contain` shows all of it. */
  fit?: 'cover' | 'contain';
  /** What it is called for those who do not see it; empty where it is named beside. */
  alternativeText?: string;
}

/** A picture of the library; its name stands in for one that cannot be loaded. */
export function Picture({ asset, width, fit = 'cover', alternativeText }: PictureProps) {
  const [brokenUrl, setBrokenUrl] = useState<string | null>(null);
  if (asset.url === '' || brokenUrl === asset.url) return <Missing name={asset.name} />;
  return (
    <Drawn
      $fit={fit}
      alt={alternativeText ?? nameOf(asset)}
      src={asset.formats ? thumbnailUrl(asset) : absoluteUrl(asset.url)}
      srcSet={sourceSet(asset)}
      sizes={`${String(Math.ceil(width))}px`}
      decoding="async"
      draggable={false}
      onError={() => {
        setBrokenUrl(asset.url);
      }}
    />
  );
}

/** How a picture is called: what it shows, when somebody has said so. */
export function nameOf({ alternativeText, name }: Pick<Asset, 'alternativeText' | 'name'>): string {
  return alternativeText?.trim() ? alternativeText : name;
}

function Missing({ name }: { name: string }) {
  return (
    <Flex
      direction="column"
      justifyContent="center"
      gap={2}
      padding={2}
      width="100%"
      height="100%"
      color="neutral600"
    >
      <ImageIcon aria-hidden width="2rem" height="2rem" />
      <Typography variant="pi" ellipsis maxWidth="100%">
        {name}
      </Typography>
    </Flex>
  );
}

const Drawn = styled.img<{ $fit: 'cover' | 'contain' }>`
  display: block;
  width: 100%;
  height: 100%;
  object-fit: ${({ $fit }) => $fit};
`;
