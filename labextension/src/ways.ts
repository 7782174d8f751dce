/*
 * The ways to show the model something: each finds it, and puts it into the tray as a chip.
 */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { Variable, Variables } from './api';
import { MAX } from './attachments';
import type { ActiveNotebook, Shown } from './notebook';
import type { Attachment } from './protocol';
import type { Session } from './session';

/** What the ways work with. */
export interface Showing {
  session: Session;
  notebook: ActiveNotebook;
  trans: TranslationBundle;
  chooseFiles: () => Promise<string[]>;
  readFile: (path: string) => Promise<string>;
  chooseVariables: (notebook: string, found: Variables) => Promise<Variable[]>;
}

/** One way: its name, and what it does. */
export interface Way {
  label: string;
  act: () => void;
}

/** Attach something; a tray that is full says so. */
export async function attach(showing: Showing, kind: Attachment['kind'], shown: Shown): Promise<void> {
  const { session, trans } = showing;
  if (!(await session.tray.add(kind, shown.label, shown.text))) {
    session.tell(
      trans.__('%1 was not attached: there are %2 already.', shown.label, MAX),
      trans.__('Remove one first.')
    );
  }
}

/** All ways, in the order in which they are offered. */
export function ways(showing: Showing): Way[] {
  const { notebook, trans } = showing;
  const none = trans.__('There is no notebook in front.');
  const from = (kind: Attachment['kind'], find: () => Shown | null, nothing: string) => (): void => {
    const shown = find();
    if (shown) {
      void attach(showing, kind, shown);
    } else {
      showing.session.tell(nothing, '');
    }
  };
  const noError = trans.__('The active cell shows no error.');
  return [
    { label: trans.__('cells'), act: from('cells', () => notebook.selected(), none) },
    { label: trans.__('error'), act: from('error', () => notebook.error(), noError) },
    { label: trans.__('variables'), act: () => void variables(showing, none) },
    { label: trans.__('notebook'), act: from('notebook', () => notebook.whole(), none) },
    { label: trans.__('file'), act: () => void files(showing) }
  ];
}

async function variables(showing: Showing, none: string): Promise<void> {
  const { session, notebook, trans } = showing;
  const path = session.state.info?.notebook || notebook.path;
  if (!path) {
    session.tell(none, '');
    return;
  }
  let found: Variables;
  try {
    found = await session.api.variables(path);
  } catch (error) {
    session.tell((error as Error).message, (error as { advice?: string }).advice ?? '');
    return;
  }
  if (!found.variables.length) {
    session.tell(trans.__('The kernel of %1 holds no variables yet.', path), trans.__('Run a cell first.'));
    return;
  }
  for (const chosen of await showing.chooseVariables(path, found)) {
    await attach(showing, 'variables', { label: chosen.name, text: chosen.text });
  }
}

async function files(showing: Showing): Promise<void> {
  const { session } = showing;
  for (const path of await showing.chooseFiles()) {
    let text: string;
    try {
      text = await showing.readFile(path);
    } catch (error) {
      session.tell((error as Error).message, (error as { advice?: string }).advice ?? '');
      continue;
    }
    await attach(showing, 'file', { label: path, text });
  }
}
