import { Flex, Typography } from '@strapi/design-system';
import { Image as ImageIcon } from '@strapi/icons';
import { useState } from 'react';
import { styled } from 'styled-components';
import { absoluteUrl, sourceSet, thumbnailUrl, type Asset } from '../api/asset';

interface FileImageProps {
  asset: Asset;
  /** Displayed width in CSS pixels: the browser picks the smallest copy that is sharp enough. */
  width: number;
  fit?: 'cover' | 'contain';
  /** Defaults to the image's name; empty where the name is next to it. */
  alternativeText?: string;
}

/** An image of the library, or its name if it fails to load. */
export function FileImage({ asset, width, fit = 'cover', alternativeText }: FileImageProps) {
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

/** The alternative text of an image, otherwise its file name. */
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
