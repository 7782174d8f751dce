/*
 * The conversation follows the notebook: another one in front shows its own, and one that gets another name, or another
 * folder, keeps those it has.
 */

import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Session } from './session';

/** A notebook, or a folder of them, that is somewhere else now; an empty `to` says that it was deleted. */
interface Move {
  from: string;
  to: string;
}

/** The path that a notebook has after a move. */
export function after(path: string, { from, to }: Move): string {
  return path === from || path.startsWith(`${from}/`) ? to && to + path.slice(from.length) : path;
}

export class Follower {
  constructor(
    private readonly _session: Session,
    private readonly _tracker: INotebookTracker | null,
    contents: Pick<Contents.IManager, 'fileChanged'>,
    private readonly _trans: TranslationBundle
  ) {
    contents.fileChanged.connect((_, change) => this._heard(change));
    _tracker?.forEach(panel => this._watch(panel));
    _tracker?.widgetAdded.connect((_, panel) => this._watch(panel));
    _tracker?.currentChanged.connect((_, panel) => {
      if (panel) {
        void panel.context.ready.then(() => this.look());
      } else {
        // What is opened next shows its own conversation, also when it has the same path.
        this._followed = null;
      }
    });
  }

  /** Show the conversation of the notebook in front, if another one is in front now. */
  look(): void {
    const path = this._tracker?.currentWidget?.context.path ?? '';
    if (path !== this._followed) {
      this._followed = path;
      void this._moves.then(() => this._resume(path));
    }
  }

  private async _resume(path: string): Promise<void> {
    if (path === this._followed) {
      await this._session.resume(path).catch(() => this._session.blank());
    }
  }

  private _watch(panel: NotebookPanel): void {
    let { path } = panel.context;
    panel.context.pathChanged.connect((_, now) => {
      // It is also told that somebody else moved the file, and that it was saved under another name.
      if (after(path, this._last) !== now) {
        this._moved({ from: path, to: now });
      }
      path = now;
    });
  }

  private _heard({ type, oldValue, newValue }: Contents.IChangedArgs): void {
    if (oldValue?.path && (type === 'delete' || (type === 'rename' && newValue?.path))) {
      this._moved({ from: oldValue.path, to: (type === 'rename' && newValue?.path) || '' });
    }
  }

  private _moved(move: Move): void {
    const { _session: session, _trans: trans } = this;
    this._last = move;
    session.notebook = after(session.notebook, move);
    this._followed = this._followed && after(this._followed, move);
    this._moves = this._moves
      .then(() => session.api.move(move.from, move.to))
      .then(
        () => undefined,
        (error: Error) =>
          session.tell(
            trans.__('The conversations about %1 did not follow it: %2', move.from, error.message),
            trans.__('They are in the list of conversations.')
          )
      );
  }

  private _followed: string | null = null;
  private _last: Move = { from: '', to: '' };
  /** One at a time: what has a path now may have had another one's. */
  private _moves: Promise<void> = Promise.resolve();
}
