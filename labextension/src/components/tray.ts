/*
 * The row under the input: what will be shown to the model, each removable, and the ways to add more.
 */

import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { Tray } from '../attachments';
import { button, el, unturned } from '../dom';
import type { Attachment } from '../protocol';
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
    this._ways = _actions.ways.map(way => {
      const made = button(trans.__('Attach: %1', way.label), way.act, way.label);
      made.classList.add('jp-ac-way');
      return made;
    });
    const label = el('span', { class: 'jp-ac-ways-label', text: trans.__('Attach:') });
    this.node.append(this._chips, el('div', { class: 'jp-ac-ways' }, label, ...this._ways));
    _tray.changed.connect(this._draw, this);
    this._draw();
  }

  private _draw(): void {
    const { trans } = this._actions;
    const { items } = this._tray;
    const focused = this._removes.findIndex(remove => remove === document.activeElement);
    const kept = items.findIndex(item => name(item) === this._names[focused]);
    this._names = items.map(name);
    this._removes = items.map(item => {
      const remove = button(trans.__('Remove %1', unturned(item.label)), () => this._tray.remove(item), '×');
      remove.classList.add('jp-ac-remove');
      return remove;
    });
    const total = items.reduce((sum, item) => sum + item.tokens, 0);
    this._chips.replaceChildren(
      ...items.map((item, index) =>
        el(
          'span',
          { class: 'jp-ac-tray-chip', title: unturned(item.text.slice(0, 1000)) },
          `${unturned(item.label)} · ${tokens(item.tokens, trans)}`,
          this._removes[index]
        )
      )
    );
    if (focused >= 0) {
      // The same chip has it again, or the one that stands in the place of one that is gone.
      const next = this._removes[kept >= 0 ? kept : Math.min(focused, items.length - 1)];
      (next ?? this._ways[0])?.focus();
    }
    if (items.length > 1) {
      this._chips.append(
        el('span', { class: 'jp-ac-note', text: trans.__('together %1', tokens(total, trans)) })
      );
    }
  }

  private readonly _ways: readonly HTMLButtonElement[];
  private _removes: HTMLButtonElement[] = [];
  /** Which attachment each of the chips shows. */
  private _names: string[] = [];
  private readonly _chips = el('div', { class: 'jp-ac-tray-chips' });
}

function name(item: Attachment): string {
  return `${item.kind} ${item.label}`;
}
