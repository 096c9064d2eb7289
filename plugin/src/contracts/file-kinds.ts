import { fileKinds, typesOfKind, type FileKind } from '../images/contract';

export { fileKinds, typesOfKind, type FileKind };

/** Null for a file of no kind that can be indexed. */
export function kindOf(mimeType: string): FileKind | null {
  const isOf = (kind: FileKind): boolean => {
    const { exactly, startsWith } = typesOfKind[kind];
    return mimeType === exactly || (startsWith !== undefined && mimeType.startsWith(startsWith));
  };
  return fileKinds.find(isOf) ?? null;
}
