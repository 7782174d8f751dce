import { Token } from '@lumino/coreutils';

import type { Session } from './session';

/** What other extensions may do with the sidebar. */
export interface ISidebarApi {
  open(): Promise<void>;
  readonly session: Session;
}

export const ISidebar = new Token<ISidebarApi>(
  'jupyter-autocoder:ISidebar',
  'The chat sidebar of jupyter-autocoder.'
);
