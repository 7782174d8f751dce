/*
 * The body of a dialog in which the person chooses variables: what each is, and not what it holds, unless a setting
 * says so.
 */

import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { Variable, Variables } from '../api';
import { el, unturned } from '../dom';

/** From here on there is a field to search in. */
const MANY = 8;

export class VariablePicker extends Widget {
  constructor(found: Variables, trans: TranslationBundle) {
    super();
    const variables = (this._variables = found.variables);
    this.addClass('jp-ac-picker');
    const rows = variables.map(variable => this._row(variable));
    const search = el('input', {
      type: 'search',
      class: 'jp-ac-search',
      placeholder: trans.__('Search variables'),
      'aria-label': trans.__('Search variables')
    });
    search.addEventListener('input', () => {
      const wanted = search.value.trim().toLowerCase();
      rows.forEach((row, index) => {
        const { name, type } = variables[index];
        row.hidden = !`${name} ${type}`.toLowerCase().includes(wanted);
      });
    });
    this.node.append(
      el('p', {
        class: 'jp-ac-note',
        text: found.rows
          ? trans.__(
              'The model is also shown values, up to %1 rows of each: the settings say so.',
              found.rows
            )
          : trans.__('Names, types, shapes and columns are shown to the model. What they hold stays here.')
      }),
      ...(variables.length > MANY ? [search] : []),
      el('ul', { class: 'jp-ac-picker-list' }, ...rows)
    );
  }

  /** What was chosen. */
  getValue(): Variable[] {
    return this._variables.filter((_, index) => this._boxes[index].checked);
  }

  private _row(variable: Variable): HTMLElement {
    const box = el('input', { type: 'checkbox' });
    this._boxes.push(box);
    return el(
      'li',
      {},
      el(
        'label',
        { class: 'jp-ac-picker-row', title: unturned(variable.text.slice(0, 1000)) },
        box,
        el('strong', { text: unturned(variable.name) }),
        el('span', { class: 'jp-ac-picker-type', text: unturned(variable.type) }),
        el('span', { class: 'jp-ac-note', text: unturned(variable.summary) })
      )
    );
  }

  private readonly _variables: readonly Variable[];
  private readonly _boxes: HTMLInputElement[] = [];
}
