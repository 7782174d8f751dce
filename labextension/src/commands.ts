/*
 * The commands of the sidebar: in the palette, on the cell toolbar, in its own menu, and as ways to attach something.
 */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import { addIcon, bugIcon, stopIcon } from '@jupyterlab/ui-components';
import { Menu } from '@lumino/widgets';

import { unturned } from './dom';
import { autocoderIcon, explainIcon } from './icon';
import type { Shown } from './notebook';
import type { Sidebar } from './panel';
import type { Attachment } from './protocol';
import { attach, ways, type Showing, type Way } from './ways';

export const CommandIDs = {
  open: 'jupyter-autocoder:open',
  ask: 'jupyter-autocoder:ask',
  explain: 'jupyter-autocoder:explain',
  fix: 'jupyter-autocoder:fix',
  stop: 'jupyter-autocoder:stop',
  begin: 'jupyter-autocoder:new',
  rename: 'jupyter-autocoder:rename',
  markdown: 'jupyter-autocoder:export-markdown',
  notebook: 'jupyter-autocoder:export-notebook',
  remove: 'jupyter-autocoder:delete',
  halt: 'jupyter-autocoder:halt-trading'
} as const;

export interface Wiring extends Showing {
  app: JupyterFrontEnd;
  palette: ICommandPalette | null;
  panel: () => Promise<Sidebar>;
  halt: () => Promise<void>;
  askTitle: (now: string) => Promise<string | null>;
  confirm: (title: string, body: string, accept: string) => Promise<boolean>;
}

export interface Offered {
  ways: readonly Way[];
  menu: (event: MouseEvent) => void;
}

/** Register every command; returns the ways to attach something and the sidebar's own menu. */
export function addCommands(wiring: Wiring): Offered {
  addAsking(wiring);
  addKeeping(wiring);
  const { app, trans, palette } = wiring;
  const category = trans.__('Autocoder');
  Object.values(CommandIDs).forEach(command => palette?.addItem({ command, category }));
  const menu = new Menu({ commands: app.commands });
  for (const command of [CommandIDs.rename, CommandIDs.markdown, CommandIDs.notebook, CommandIDs.remove]) {
    menu.addItem({ command });
  }
  menu.addItem({ type: 'separator' });
  menu.addItem({ command: CommandIDs.halt });
  app.commands.addCommand(CommandIDs.halt, {
    label: trans.__('Halt All Trading'),
    execute: () => wiring.halt()
  });
  let opener: HTMLElement | null = null;
  menu.aboutToClose.connect(() => {
    if (menu.node.contains(document.activeElement)) {
      opener?.focus();
    }
  });
  const openMenu = (event: MouseEvent): void => {
    opener = event.currentTarget as HTMLElement;
    const box = opener.getBoundingClientRect();
    menu.open(box.right, box.bottom, { horizontalAlignment: 'right' });
  };
  return { ways: ways(wiring), menu: openMenu };
}

function addAsking(wiring: Wiring): void {
  const { app, session, notebook, trans, panel } = wiring;
  const { commands } = app;
  const show = async (): Promise<void> => {
    app.shell.activateById('jupyter-autocoder:sidebar');
    (await panel()).focusInput();
  };
  const add = async (kind: Attachment['kind'], shown: Shown | null): Promise<void> => {
    if (shown) {
      await attach(wiring, kind, shown);
    }
  };
  const hasNotebook = (): boolean => notebook.path !== '';
  commands.addCommand(CommandIDs.open, {
    label: trans.__('Open the Chat'),
    icon: autocoderIcon,
    execute: show
  });
  commands.addCommand(CommandIDs.ask, {
    label: trans.__('Ask About the Selected Cells'),
    caption: trans.__('Ask about the selected cells'),
    icon: autocoderIcon,
    isEnabled: hasNotebook,
    execute: async () => {
      await show();
      await add('cells', notebook.selected());
    }
  });
  commands.addCommand(CommandIDs.explain, {
    label: trans.__('Explain the Selected Cells'),
    caption: trans.__('Explain the selected cells'),
    icon: explainIcon,
    isEnabled: hasNotebook,
    execute: async () => {
      await show();
      await add('cells', notebook.selected());
      (await panel()).suggest(trans.__('Explain this code.'));
    }
  });
  commands.addCommand(CommandIDs.fix, {
    label: trans.__('Fix the Error in the Active Cell'),
    caption: trans.__('Fix the error in the active cell'),
    icon: bugIcon,
    isEnabled: hasNotebook,
    execute: async () => {
      await show();
      const error = notebook.error();
      await add(error ? 'error' : 'cells', error ?? notebook.selected());
      (await panel()).suggest(
        error ? trans.__('Fix this error.') : trans.__('Find what is wrong with this code.')
      );
    }
  });
  commands.addCommand(CommandIDs.stop, {
    label: trans.__('Stop the Answer or the Run'),
    icon: stopIcon,
    isEnabled: () => session.state.busy,
    execute: () => session.stop()
  });
}

function addKeeping({ app, session, trans, askTitle, confirm }: Wiring): void {
  const { commands } = app;
  const begun = (): boolean => session.state.id !== '';
  const title = (): string => session.state.info?.title ?? '';
  commands.addCommand(CommandIDs.begin, {
    label: trans.__('New Conversation'),
    icon: addIcon,
    execute: () => session.blank()
  });
  commands.addCommand(CommandIDs.rename, {
    label: trans.__('Rename Conversation…'),
    isEnabled: begun,
    execute: async () => {
      const id = session.state.id;
      const wanted = await askTitle(title());
      if (wanted?.trim()) {
        await session.api.rename(id, wanted.trim());
      }
    }
  });
  for (const [command, format, ending] of [
    [CommandIDs.markdown, 'markdown', 'md'],
    [CommandIDs.notebook, 'notebook', 'ipynb']
  ] as const) {
    commands.addCommand(command, {
      label: format === 'notebook' ? trans.__('Export as Notebook') : trans.__('Export as Markdown'),
      isEnabled: begun,
      execute: async () =>
        download(await session.api.export(session.state.id, format), `${title() || 'chat'}.${ending}`)
    });
  }
  commands.addCommand(CommandIDs.remove, {
    label: trans.__('Delete Conversation…'),
    isEnabled: begun,
    execute: async () => {
      const id = session.state.id;
      const { keep_deleted: kept } = await session.api.budget();
      const body = kept
        ? trans.__('It will be hidden. Your administrator’s retention setting keeps a copy.')
        : trans.__('It is deleted for good.');
      if (
        await confirm(
          trans.__('Delete “%1”?', unturned(title()) || trans.__('New conversation')),
          body,
          trans.__('Delete')
        )
      ) {
        await session.api.remove(id);
      }
    }
  });
}

function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = unturned(name).replace(/[\\/:*?"<>|]/g, '_');
  anchor.click();
  // The browser reads the address after the click has returned.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
