import { useField, useNotification, type StrapiApp } from '@strapi/strapi/admin';
import {
  forwardRef,
  lazy,
  Suspense,
  useEffect,
  useRef,
  useState,
  type ComponentType,
  type DragEvent,
  type ElementType,
  type ReactNode,
} from 'react';
import { styled } from 'styled-components';
import type { WholeFile } from '../api/library';
import { useImageSearchPermissions } from '../hooks/permissions';
import { useText } from '../hooks/text';
import { accepts, droppedId, isOwnDrag, mountField } from './media-fields';
import { SilentBoundary } from './silent-boundary';

const PickerTab = lazy(() => import('./picker-tab'));

const MediaLibraryField = lazy(() => import('./media-library-field'));

interface DialogProps {
  allowedTypes?: readonly string[];
  multiple?: boolean;
  onSelectAssets: (assets: WholeFile[]) => void;
}

interface MediaFieldProps {
  name: string;
  disabled?: boolean;
  attribute?: { allowedTypes?: readonly string[] | null; multiple?: boolean };
}

/**
 * Wraps Strapi's dialog and field for media, and its Media Library, to add an image search to them. Whoever registered them,
 * they keep their props and their behavior; what isn't there stays away.
 */
export function addImageSearch({ library, router, ...app }: StrapiApp): void {
  const dialog = library.components['media-library'];
  if (dialog) app.addComponents({ name: 'media-library', Component: wrapDialog(dialog) });
  const field = library.fields['media'];
  if (field) app.addFields({ type: 'media', Component: wrapField(field) });
  router.addRoute((routes) =>
    routes.map((route) => {
      const { lazy: load } = route;
      if (route.path !== 'plugins/upload/*' || typeof load !== 'function') return route;
      return {
        ...route,
        lazy: async () => {
          const loaded = await load();
          const Page = 'Component' in loaded ? loaded.Component : undefined;
          return Page ? { ...loaded, Component: wrapMediaLibrary(Page) } : loaded;
        },
      };
    }),
  );
}

/** The dialog of the rich text and blocks editors, and of other plugins. */
function wrapDialog(Dialog: ElementType): ComponentType {
  return function DialogWithImageSearch(props: DialogProps) {
    const { allowedTypes = null, multiple = true, onSelectAssets } = props;
    const picked = useRef<readonly WholeFile[]>([]);
    const takePicked = (): readonly WholeFile[] => {
      const files = picked.current;
      picked.current = [];
      return files;
    };
    const select = (assets: WholeFile[], added = takePicked()): void => {
      onSelectAssets(multiple ? merged(assets, added) : added.length > 0 ? [...added] : assets);
    };
    return (
      <WithImageSearch
        allowedTypes={allowedTypes}
        multiple={multiple}
        onPick={(files, finish) => {
          picked.current = files;
          finish();
          // They are left over if Strapi's dialog didn't react.
          const rest = takePicked();
          if (rest.length > 0) select([], rest);
        }}
      >
        <Dialog
          {...props}
          onSelectAssets={(assets: WholeFile[]) => {
            select(assets);
          }}
        />
      </WithImageSearch>
    );
  } as ComponentType;
}

/** The field of entries' forms, which opens a dialog of its own. */
function wrapField(Field: ElementType): ComponentType {
  const FieldWithImageSearch = forwardRef((props: MediaFieldProps, ref) => {
    const { name, attribute, disabled = false } = props;
    const { value, onChange } = useField(name);
    const multiple = attribute?.multiple ?? false;
    const allowedTypes = attribute?.allowedTypes ?? null;
    const [picked, setPicked] = useState<readonly WholeFile[]>([]);
    const used = useRef(picked);
    // Strapi's field has taken over the selection of its own dialog by then.
    useEffect(() => {
      if (picked === used.current) return;
      used.current = picked;
      const present = Array.isArray(value) ? (value as WholeFile[]) : [];
      onChange(name, multiple ? merged(present, picked) : picked[0]);
    }, [picked, value, multiple, name, onChange]);
    useEffect(() => {
      const files = filesIn(value);
      const replace = (fileId: number, by: WholeFile): void => {
        const others = files.filter(({ id }) => id !== by.id);
        const replaced = others.map((file) => (file.id === fileId ? by : file));
        onChange(name, multiple ? replaced : by);
      };
      return mountField({
        name,
        fileIds: files.map(({ id }) => id),
        replace: disabled ? null : replace,
      });
    }, [disabled, multiple, name, onChange, value]);
    return (
      <WithImageSearch
        allowedTypes={allowedTypes}
        multiple={multiple}
        onPick={(files, finish) => {
          finish();
          setPicked(files);
        }}
      >
        <DropTarget
          allowedTypes={disabled ? NOTHING : allowedTypes}
          onFile={(file) => {
            setPicked([file]);
          }}
        >
          <Field {...props} ref={ref} />
        </DropTarget>
      </WithImageSearch>
    );
  });
  FieldWithImageSearch.displayName = 'FieldWithImageSearch';
  // Strapi's types know no field with props.
  return FieldWithImageSearch as unknown as ComponentType;
}

const NOTHING = ['nothing'];

function filesIn(value: unknown): readonly WholeFile[] {
  const isFile = (item: unknown): item is WholeFile =>
    typeof item === 'object' && item !== null && 'id' in item && typeof item.id === 'number';
  return [value].flat().filter(isFile);
}

interface DropTargetProps {
  allowedTypes: readonly string[] | null;
  onFile: (file: WholeFile) => void;
  children: ReactNode;
}

/** Takes files that are dragged from the results of a search; leaves other files to its children. */
function DropTarget({ allowedTypes, onFile, children }: DropTargetProps) {
  const text = useText();
  const { toggleNotification } = useNotification();
  const [isOver, setOver] = useState(false);
  const drop = async (id: number): Promise<void> => {
    try {
      const { fetchWholeFile } = await import('../api/library');
      onFile(await fetchWholeFile(id));
    } catch {
      toggleNotification({ type: 'danger', message: text('common.failure.title') });
    }
  };
  const take = (event: DragEvent, act: () => void): void => {
    if (!isOwnDrag(event)) return;
    event.preventDefault();
    // Strapi's field would open its dialog to upload what is dropped.
    event.stopPropagation();
    if (accepts(event, allowedTypes)) act();
    else event.dataTransfer.dropEffect = 'none';
  };
  return (
    <Target
      data-over={isOver || undefined}
      onDragOverCapture={(event) => {
        take(event, () => {
          event.dataTransfer.dropEffect = 'copy';
          setOver(true);
        });
      }}
      onDragLeave={({ currentTarget, relatedTarget }) => {
        if (!currentTarget.contains(relatedTarget as Node | null)) setOver(false);
      }}
      onDropCapture={(event) => {
        setOver(false);
        const id = droppedId(event);
        if (id !== null) {
          take(event, () => {
            void drop(id);
          });
        }
      }}
    >
      {children}
    </Target>
  );
}

const Target = styled.div`
  display: contents;
  &[data-over] > * {
    outline: 2px dashed ${({ theme }) => theme.colors.primary600};
    outline-offset: ${({ theme }) => theme.spaces[1]};
    border-radius: ${({ theme }) => theme.borderRadius};
  }
`;

function merged(files: readonly WholeFile[], added: readonly WholeFile[]): WholeFile[] {
  const ids = new Set(files.map(({ id }) => id));
  return [...files, ...added.filter(({ id }) => !ids.has(id))];
}

interface WithImageSearchProps {
  /** Null for all. */
  allowedTypes: readonly string[] | null;
  multiple: boolean;
  /** @param finish confirms and closes Strapi's own dialog */
  onPick: (files: readonly WholeFile[], finish: () => void) => void;
  children: ReactNode;
}

/** Adds a tab to the dialog that its children open. */
function WithImageSearch({ allowedTypes, multiple, onPick, children }: WithImageSearchProps) {
  const { may } = useImageSearchPermissions();
  const [dialog, setDialog] = useState<Element | null>(null);
  const allowsImages =
    !allowedTypes || allowedTypes.length === 0 || allowedTypes.includes('images');
  return (
    <>
      {/* React's events bubble out of dialogs: the one that takes the focus in here was opened in here. */}
      <div
        style={{ display: 'contents' }}
        onFocusCapture={({ target }) => {
          setDialog(target.closest('[role="dialog"]'));
        }}
      >
        {children}
      </div>
      {may.search && allowsImages && dialog !== null && (
        <SilentBoundary>
          <Suspense fallback={null}>
            <PickerTab
              dialog={dialog}
              allowedTypes={allowedTypes}
              multiple={multiple}
              onPick={onPick}
            />
          </Suspense>
        </SilentBoundary>
      )}
    </>
  );
}

function wrapMediaLibrary(Page: ElementType): ComponentType {
  return function MediaLibraryWithImageSearch() {
    const { may } = useImageSearchPermissions();
    return (
      <>
        <Page />
        {may.search && (
          <SilentBoundary>
            <Suspense fallback={null}>
              <MediaLibraryField />
            </Suspense>
          </SilentBoundary>
        )}
      </>
    );
  };
}
