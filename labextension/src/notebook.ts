/*
 * The active notebook: what can be shown of it, and what can be put into it.
 */

import { CodeCell, type Cell } from '@jupyterlab/cells';
import type { IError } from '@jupyterlab/nbformat';
import {
  NotebookActions,
  type INotebookTracker,
  type Notebook,
  type NotebookPanel
} from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';

import { plain } from './dom';
import { joined } from './outputs';

const SHOWN_OUTPUT = 2_000;

export interface Shown {
  label: string;
  text: string;
}

/** Everything the sidebar does with notebooks; without a tracker (no notebook extension) it can do nothing. */
export class ActiveNotebook {
  constructor(
    private readonly _tracker: INotebookTracker | null,
    private readonly _trans: TranslationBundle,
    /** Tells the person what was not done, and what to do. */
    private readonly _tell: (what: string, advice: string) => void
  ) {}

  get tracker(): INotebookTracker | null {
    return this._tracker;
  }

  /** The path of the notebook in front, empty for none. */
  get path(): string {
    return this._panel?.context.path ?? '';
  }

  /** The whole notebook's sources with the text of their outputs. */
  whole(): Shown | null {
    const panel = this._panel;
    if (!panel) {
      return null;
    }
    const cells = panel.content.widgets.map((cell, index) => describe(cell, index));
    return { label: panel.context.path, text: cells.join('\n\n') };
  }

  /** The selected cells, or the active one. */
  selected(): Shown | null {
    const notebook = this._panel?.content;
    if (!notebook) {
      return null;
    }
    const cells = notebook.widgets.filter(cell => notebook.isSelectedOrActive(cell));
    if (!cells.length) {
      return null;
    }
    const first = notebook.widgets.indexOf(cells[0]);
    const label = cells.length === 1 ? `Cell ${first + 1}` : `Cells ${first + 1}–${first + cells.length}`;
    return { label, text: cells.map(cell => describe(cell, notebook.widgets.indexOf(cell))).join('\n\n') };
  }

  /** The error in the active cell with the code that raised it. */
  error(): Shown | null {
    const cell = this._panel?.content.activeCell;
    if (!(cell instanceof CodeCell)) {
      return null;
    }
    const found = cell.model.outputs
      .toJSON()
      .find((output): output is IError => output.output_type === 'error');
    if (!found) {
      return null;
    }
    const traceback = plain(found.traceback.join('\n')).slice(-8_000);
    return { label: `${found.ename}`, text: `${cell.model.sharedModel.getSource()}\n\n${traceback}` };
  }

  /** Put code into a new cell below the active one; false when there is no notebook. */
  insertBelow(source: string): boolean {
    const panel = this._panel;
    if (!panel?.content.model) {
      return false;
    }
    NotebookActions.insertBelow(panel.content);
    NotebookActions.changeCellType(panel.content, 'code');
    panel.content.activeCell?.model.sharedModel.setSource(source);
    return true;
  }

  /**
   * Put code in the place of what the active cell holds; one step of undo brings the old back. A cell that is read-only
   * stays as it is, and the person is told; false when there is no notebook.
   */
  replaceActive(source: string): boolean {
    const notebook = this._panel?.content;
    const cell = notebook?.activeCell;
    if (!notebook || !cell) {
      return false;
    }
    if (cell.model.getMetadata('editable') === false) {
      this._tell(
        this._trans.__('The active cell is read-only, so it was not replaced.'),
        this._trans.__('Insert the code below it, or click into another cell.')
      );
    } else if (cell.model.type === 'code') {
      cell.model.sharedModel.setSource(source);
    } else {
      becomeCode(notebook, cell, source);
    }
    return true;
  }

  private get _panel(): NotebookPanel | null {
    const panel = this._tracker?.currentWidget ?? null;
    return panel && !panel.isDisposed ? panel : null;
  }
}

/** Make a cell of words one of code; the words and their kind come back in one step of undo. */
function becomeCode(notebook: Notebook, cell: Cell, source: string): void {
  const index = notebook.widgets.indexOf(cell);
  const shared = notebook.model?.sharedModel;
  const { id } = cell.model;
  // A cell without outputs is trusted, and its outputs are this person's own.
  const metadata = { ...cell.model.metadata, trusted: true };
  shared?.transact(() => {
    shared.deleteCell(index);
    shared.insertCell(index, { id, cell_type: 'code', source, metadata });
  });
  notebook.activeCellIndex = index;
  notebook.deselectAll();
}

function describe(cell: Cell, index: number): string {
  const source = cell.model.sharedModel.getSource();
  const head = `# Cell ${index + 1} (${cell.model.type})`;
  if (!(cell instanceof CodeCell)) {
    return `${head}\n${source}`;
  }
  const outputs = cell.model.outputs.toJSON().map(output => {
    const raw = output as Record<string, unknown>;
    const data = (raw.data ?? {}) as Record<string, unknown>;
    const error = raw.output_type === 'error' ? `${joined(raw.ename)}: ${joined(raw.evalue)}` : '';
    return plain(joined(raw.text) || joined(data['text/plain']) || error);
  });
  const text = outputs
    .filter(part => part)
    .join('\n')
    .slice(0, SHOWN_OUTPUT);
  return text ? `${head}\n${source}\n# Output:\n${text}` : `${head}\n${source}`;
}
