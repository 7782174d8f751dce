/*
 * The status bar's item: what is left, in a few words; a click opens the sidebar.
 */

import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { button } from './dom';
import type { ISidebarApi } from './tokens';

/** Milliseconds between two looks when nothing happens here: another face may have used something up. */
const LOOK = 60_000;

export class BudgetItem extends Widget {
  constructor(
    private readonly _chat: ISidebarApi,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-ac-status');
    this._button = button(_trans.__('Autocoder: open the sidebar'), () => void _chat.open());
    this.node.append(this._button);
    _chat.session.settled.connect(this._soon, this);
    _chat.session.transport.connection.connect(this._soon, this);
    this._watch = setInterval(() => this._soon(), LOOK);
    this._soon();
  }

  get isActive(): boolean {
    return this._active;
  }

  override dispose(): void {
    clearInterval(this._watch);
    clearTimeout(this._timer);
    super.dispose();
  }

  private _soon(): void {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => void this._look(), 300);
  }

  private async _look(): Promise<void> {
    try {
      const budget = await this._chat.session.api.budget();
      this._button.textContent = budget.remaining || budget.model;
      this._button.title = this._trans.__('Autocoder (%1): open the sidebar', budget.model);
      this._button.setAttribute('aria-label', `${this._button.title}. ${budget.remaining}`);
    } catch {
      this._button.textContent = this._trans.__('Autocoder is offline');
    }
  }

  private readonly _button: HTMLButtonElement;
  private readonly _active = true;
  private readonly _watch: ReturnType<typeof setInterval>;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}
