import { Layouts, Page } from '@strapi/strapi/admin';
import { useText } from '../../hooks/text';

export default function SearchPage() {
  const text = useText();
  return (
    <Page.Main>
      <Page.Title>{text('search.title')}</Page.Title>
      <Layouts.Header title={text('search.title')} />
    </Page.Main>
  );
}
