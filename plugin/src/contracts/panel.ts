import * as z from 'zod';

/** What the panel must know of the configuration, whatever the role of who is signed in; `GET panel`. */
export const panelResponseSchema = z.object({
  data: z.object({
    /** Whether it adds itself to the details of a picture in the Media Library. */
    mediaLibrary: z.boolean(),
  }),
});

export type PanelResponse = z.output<typeof panelResponseSchema>;
