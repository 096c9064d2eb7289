import { Layouts, Page } from '@strapi/strapi/admin';
import { useText } from '../../hooks/text';

export default function DuplicatesPage() {
  const text = useText();
  return (
    <Page.Main>
      <Page.Title>{text('duplicates.title')}</Page.Title>
      <Layouts.Header title={text('duplicates.title')} />
    </Page.Main>
  );
}
