import { Flex, Typography } from '@strapi/design-system';
import { File as FileIcon, Image as ImageIcon } from '@strapi/icons';
import { queryOptions, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { keyframes, styled } from 'styled-components';
import { absoluteUrl, isShownByBrowsers, sourceSet, thumbnailUrl, type Asset } from '../api/asset';
import { ApiFailure, isNetworkFailure } from '../api/failure';
import { fetchPreview } from '../api/files';
import type { SearchHit } from '../api/search';

interface FileImageProps {
  asset: Asset;
  /** Displayed width in CSS pixels: the browser picks the smallest copy that is sharp enough. */
  width: number;
  fit?: 'cover' | 'contain';
  /** What of the file to show, if it has several images. */
  view?: SearchHit['view'];
  /** Defaults to the image's name; empty where the name is next to it. */
  alternativeText?: string;
}

/** An image of the library or of what a document shows, or its name if it fails to load. */
export function FileImage(props: FileImageProps) {
  return isShownByBrowsers(props.asset) ? <Photo {...props} /> : <Preview {...props} />;
}

function Photo({ asset, width, fit = 'cover', alternativeText }: FileImageProps) {
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

function Preview({ asset, fit = 'cover', alternativeText, view }: FileImageProps) {
  const { data: url, isPending } = useQuery(previewQuery(asset, view));
  if (isPending) return <Skeleton />;
  if (url == null) return <Missing name={asset.name} Icon={FileIcon} />;
  return (
    <Drawn
      $fit={fit}
      // Titles are at the top of pages.
      style={{ objectPosition: 'top' }}
      alt={alternativeText ?? nameOf(asset)}
      src={url}
      decoding="async"
      draggable={false}
    />
  );
}

/** Of the longer side, which a tile may cut off. */
const MOST_CROPPED = 0.25;

/** How to fit an image into a tile of these proportions: a banner whose subject is at its end is shown whole. */
export function fitInto({ width, height }: Asset, tileRatio: number): 'cover' | 'contain' {
  const ratio = width && height ? width / height : tileRatio;
  const shown = Math.min(ratio, tileRatio) / Math.max(ratio, tileRatio);
  return shown < 1 - MOST_CROPPED ? 'contain' : 'cover';
}

/** The address of a file's preview in this tab; null if there is none, undefined until that is known. */
export function usePreviewUrl(asset: Asset, view: SearchHit['view']): string | null | undefined {
  const { data } = useQuery({
    ...previewQuery(asset, view),
    enabled: !isShownByBrowsers(asset),
  });
  return data;
}

const MAX_RETRIES = 2;

/** A file's preview, kept for good once it is known; a failure is asked again by the next one who shows it. */
export function previewQuery(asset: Pick<Asset, 'id' | 'updatedAt'>, view: SearchHit['view']) {
  return queryOptions({
    // A file that is replaced keeps its address.
    queryKey: ['preview', asset.id, asset.updatedAt ?? null, view ?? null],
    staleTime: Infinity,
    retry: (failures, error) => failures < MAX_RETRIES && isPassing(error),
    queryFn: async ({ signal }) => {
      const blob = await fetchPreview(asset.id, { view, signal });
      return blob && toDataUrl(blob);
    },
  });
}

/** The server is away or busy. */
function isPassing(error: Error): boolean {
  if (isNetworkFailure(error)) return true;
  return error instanceof ApiFailure && (error.status === 429 || error.status === 503);
}

/** Unlike an object URL, it needs no end: it is gone with the query. */
function toDataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => {
      resolve(typeof reader.result === 'string' ? reader.result : '');
    };
    reader.onerror = () => {
      reject(reader.error ?? new Error('The preview could not be read.'));
    };
    reader.readAsDataURL(blob);
  });
}

/** The alternative text of an image, otherwise its file name. */
export function nameOf({ alternativeText, name }: Pick<Asset, 'alternativeText' | 'name'>): string {
  return alternativeText?.trim() ? alternativeText : name;
}

function Missing({ name, Icon = ImageIcon }: { name: string; Icon?: typeof ImageIcon }) {
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
      <Icon aria-hidden width="2rem" height="2rem" />
      <Typography variant="pi" ellipsis maxWidth="100%">
        {name}
      </Typography>
    </Flex>
  );
}

const Skeleton = styled.div.attrs({ 'aria-hidden': true })`
  width: 100%;
  height: 100%;
  background: ${({ theme }) => theme.colors.neutral150};
  @media (prefers-reduced-motion: no-preference) {
    animation: ${keyframes`50% { opacity: 0.4; }`} 1.6s ease-in-out infinite;
  }
`;

const Drawn = styled.img<{ $fit: 'cover' | 'contain' }>`
  display: block;
  width: 100%;
  height: 100%;
  object-fit: ${({ $fit }) => $fit};
`;
