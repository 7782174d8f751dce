/*
 * The plugins: the sidebar with its commands, and the status bar's item. Wiring only.
 */

import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, IThemeManager, InputDialog, Dialog, showDialog } from '@jupyterlab/apputils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { FileDialog } from '@jupyterlab/filebrowser';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Api } from './api';
import { Tray } from './attachments';
import { addCommands, CommandIDs, type Wiring } from './commands';
import { VariablePicker } from './components/picker';
import { readText } from './files';
import { Follower } from './follow';
import { Frame } from './frame';
import { Kept } from './kept';
import { ActiveNotebook } from './notebook';
import { Session } from './session';
import { BudgetItem } from './status';
import { ISidebar, type ISidebarApi } from './tokens';
import { Trade } from './trade';
import { Transport } from './transport';

const PLUGIN = 'jupyter-autocoder:sidebar';

const sidebar: JupyterFrontEndPlugin<ISidebarApi> = {
  id: PLUGIN,
  description: 'Asks a model in words, runs its code in a sandbox, puts it into the notebook.',
  autoStart: true,
  provides: ISidebar,
  optional: [
    ILabShell,
    ILayoutRestorer,
    ICommandPalette,
    IThemeManager,
    INotebookTracker,
    ISettingRegistry,
    ITranslator,
    IEditorLanguageRegistry,
    IDocumentManager
  ],
  activate
};

function activate(
  app: JupyterFrontEnd,
  labShell: ILabShell | null,
  restorer: ILayoutRestorer | null,
  palette: ICommandPalette | null,
  themeManager: IThemeManager | null,
  tracker: INotebookTracker | null,
  registry: ISettingRegistry | null,
  translator: ITranslator | null,
  languages: IEditorLanguageRegistry | null,
  documents: IDocumentManager | null
): ISidebarApi {
  const trans = (translator ?? nullTranslator).load('jupyter_autocoder');
  const settings = app.serviceManager.serverSettings;
  const api = new Api(settings);
  const kept = (storage: Storage): Kept => new Kept(storage, settings.baseUrl);
  const transport = new Transport({ connect: () => api.socket(), kept: kept(window.sessionStorage) });
  const tray = new Tray(texts => api.tokens(texts));
  const session = new Session(api, transport, tray, kept(window.localStorage), trans);
  const notebook = new ActiveNotebook(tracker, trans, (what, advice) => session.tell(what, advice));
  let known: Record<string, string> = {};
  void api.budget().then(
    budget => (known = budget.commands),
    () => undefined
  );

  const trade = new Trade(session, settings, trans);
  const wiring: Wiring = {
    app,
    halt: () => trade.halt(),
    session,
    notebook,
    trans,
    palette,
    panel: () => panel.sidebar(),
    readFile: path => readText(app.serviceManager.contents, path, trans),
    chooseVariables: async (path, found) => {
      const chosen = await showDialog({
        title: trans.__('Show variables of %1', path),
        body: new VariablePicker(found, trans),
        buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Attach') })]
      });
      return chosen.button.accept ? (chosen.value ?? []) : [];
    },
    chooseFiles: async () => {
      const browser =
        documents && (await FileDialog.getOpenFiles({ manager: documents, title: trans.__('Attach files') }));
      return browser?.button.accept ? (browser.value ?? []).map(model => model.path) : [];
    },
    askTitle: async now =>
      (await InputDialog.getText({ title: trans.__('Rename conversation'), text: now })).value,
    confirm: async (title, body, accept) =>
      (
        await showDialog({
          title,
          body,
          buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: accept })]
        })
      ).button.accept
  };
  const { ways, menu } = addCommands(wiring);
  const panel = new Frame({
    session,
    notebook,
    trans,
    themeManager,
    ways,
    menu,
    commands: () => known,
    card: ticket => trade.card(ticket),
    highlight: (code, source, language) => {
      const found = languages?.findByName(language);
      if (languages && found) {
        const coloured = document.createElement('code');
        void languages
          .highlight(source, found, coloured)
          .then(() => code.replaceChildren(...coloured.childNodes));
      }
    },
    sendWithShiftEnter: false
  });
  app.shell.add(panel, 'right', { rank: 600 });
  restorer?.add(panel, panel.id);

  const follower = new Follower(session, tracker, app.serviceManager.contents, trans);
  void app.restored.then(() => follower.look());
  void followSettings(registry, panel, app, labShell);
  return { open: () => app.commands.execute(CommandIDs.open).then(() => undefined), session };
}

async function followSettings(
  registry: ISettingRegistry | null,
  panel: Frame,
  app: JupyterFrontEnd,
  labShell: ILabShell | null
): Promise<void> {
  if (!registry) {
    return;
  }
  // After the last session's layout was restored: the setting outweighs it.
  const [settings] = await Promise.all([registry.load(PLUGIN), app.restored]);
  const apply = (): void => {
    panel.sendWithShiftEnter = settings.composite.sendWithShiftEnter === true;
    const wanted = settings.composite.area === 'left' ? 'left' : 'right';
    if (panel.node.closest(`#jp-${wanted}-stack`) === null) {
      (labShell ?? app.shell).add(panel, wanted, { rank: 600 });
    }
  };
  settings.changed.connect(apply);
  apply();
}

const status: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-autocoder:status',
  description: "Shows what is left of the person's limits and budget.",
  autoStart: true,
  requires: [ISidebar],
  // Notebook 7 has no status bar.
  optional: [IStatusBar, ITranslator],
  activate: (_app, chat: ISidebarApi, bar: IStatusBar | null, translator: ITranslator | null) => {
    if (!bar) {
      return;
    }
    const trans = (translator ?? nullTranslator).load('jupyter_autocoder');
    const item = new BudgetItem(chat, trans);
    bar.registerStatusItem('jupyter-autocoder:status', {
      item,
      align: 'right',
      rank: 40,
      isActive: () => item.isActive
    });
  }
};

export default [sidebar, status];
export { ISidebar, type ISidebarApi } from './tokens';
