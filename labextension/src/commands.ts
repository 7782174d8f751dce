/*
 * The commands of the sidebar: in the palette, on the cell toolbar, in its own menu, and as ways to attach something.
 */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { addIcon, bugIcon, stopIcon } from '@jupyterlab/ui-components';
import { Menu } from '@lumino/widgets';

import { autocoderIcon } from './icon';
import type { ActiveNotebook, Shown } from './notebook';
import type { Sidebar } from './panel';
import type { Attachment } from './protocol';
import type { Session } from './session';

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

export interface Wiring {
  app: JupyterFrontEnd;
  session: Session;
  notebook: ActiveNotebook;
  trans: TranslationBundle;
  palette: ICommandPalette | null;
  panel: () => Promise<Sidebar>;
  halt: () => Promise<void>;
  chooseFiles: () => Promise<string[]>;
  askTitle: (now: string) => Promise<string | null>;
  confirm: (title: string, body: string, accept: string) => Promise<boolean>;
}

export interface Offered {
  ways: readonly { label: string; act: () => void }[];
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
  const openMenu = (event: MouseEvent): void => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    menu.open(box.right, box.bottom, { horizontalAlignment: 'right' });
  };
  return { ways: ways(wiring), menu: openMenu };
}

function addAsking({ app, session, notebook, trans, panel }: Wiring): void {
  const { commands } = app;
  const show = async (): Promise<void> => {
    app.shell.activateById('jupyter-autocoder:sidebar');
    (await panel()).focusInput();
  };
  const attach = async (kind: Attachment['kind'], shown: Shown | null): Promise<void> => {
    if (shown) {
      await session.tray.add(kind, shown.label, shown.text);
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
      await attach('cells', notebook.selected());
    }
  });
  commands.addCommand(CommandIDs.explain, {
    label: trans.__('Explain the Selected Cells'),
    caption: trans.__('Explain the selected cells'),
    isEnabled: hasNotebook,
    execute: async () => {
      await show();
      await attach('cells', notebook.selected());
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
      await attach(error ? 'error' : 'cells', error ?? notebook.selected());
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
          trans.__('Delete “%1”?', title() || trans.__('New conversation')),
          body,
          trans.__('Delete')
        )
      ) {
        await session.api.remove(id);
      }
    }
  });
}

function ways({ app, session, notebook, trans, chooseFiles }: Wiring): { label: string; act: () => void }[] {
  const attach = (kind: Attachment['kind'], find: () => Shown | null) => (): void => {
    const shown = find();
    if (shown) {
      void session.tray.add(kind, shown.label, shown.text);
    } else {
      session.tell(
        kind === 'error'
          ? trans.__('The active cell shows no error.')
          : trans.__('There is no notebook in front.'),
        ''
      );
    }
  };
  const files = async (): Promise<void> => {
    for (const path of await chooseFiles()) {
      try {
        const model = await app.serviceManager.contents.get(path, { type: 'file', format: 'text' });
        await session.tray.add('file', path, String(model.content));
      } catch {
        session.tell(trans.__('%1 cannot be read as text.', path), '');
      }
    }
  };
  return [
    { label: trans.__('cells'), act: attach('cells', () => notebook.selected()) },
    { label: trans.__('error'), act: attach('error', () => notebook.error()) },
    { label: trans.__('notebook'), act: attach('notebook', () => notebook.whole()) },
    { label: trans.__('file'), act: () => void files() }
  ];
}

function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name.replace(/[\\/:*?"<>|]/g, '_');
  anchor.click();
  // The browser reads the address after the click has returned.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
