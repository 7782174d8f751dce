/*
 * The row under the input: what will be shown to the model, each removable, and the ways to add more.
 */

import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { Tray } from '../attachments';
import { button, el } from '../dom';
import { tokens } from '../words';

export interface TrayActions {
  readonly trans: TranslationBundle;
  /** The ways to attach something, with what they do. */
  readonly ways: readonly { label: string; act: () => void }[];
}

export class TrayRow extends Widget {
  constructor(
    private readonly _tray: Tray,
    private readonly _actions: TrayActions
  ) {
    super();
    this.addClass('jp-ac-tray');
    const { trans } = _actions;
    this.node.setAttribute('role', 'group');
    this.node.setAttribute('aria-label', trans.__('Shown to the model with your next message'));
    this.node.append(
      this._chips,
      el(
        'div',
        { class: 'jp-ac-ways' },
        el('span', { class: 'jp-ac-ways-label', text: trans.__('Attach:') }),
        ..._actions.ways.map(way => {
          const made = button(trans.__('Attach: %1', way.label), way.act, way.label);
          made.classList.add('jp-ac-way');
          return made;
        })
      )
    );
    _tray.changed.connect(this._draw, this);
    this._draw();
  }

  private _draw(): void {
    const { trans } = this._actions;
    const chips = this._tray.items.map(item => {
      const remove = button(trans.__('Remove %1', item.label), () => this._tray.remove(item), '×');
      remove.classList.add('jp-ac-remove');
      return el(
        'span',
        { class: 'jp-ac-tray-chip', title: item.text.slice(0, 1000) },
        `${item.label} · ${tokens(item.tokens, trans)}`,
        remove
      );
    });
    const total = this._tray.items.reduce((sum, item) => sum + item.tokens, 0);
    this._chips.replaceChildren(...chips);
    if (chips.length > 1) {
      this._chips.append(
        el('span', { class: 'jp-ac-note', text: trans.__('together %1', tokens(total, trans)) })
      );
    }
  }

  private readonly _chips = el('div', { class: 'jp-ac-tray-chips' });
}
