/*
 * The top of the sidebar: which conversation this is, the list of all of them with its search, and what can be done.
 */

import type { TranslationBundle } from '@jupyterlab/translation';
import { addIcon, caretDownIcon, ellipsesIcon, type LabIcon } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';

import { button, el, unturned } from '../dom';
import type { Conversation } from '../protocol';
import { sentence } from '../words';

const TYPING = 200;

export interface HeaderActions {
  readonly trans: TranslationBundle;
  list(query: string): Promise<Conversation[]>;
  open(id: string): void;
  blank(): void;
  menu(event: MouseEvent): void;
}

export class Header extends Widget {
  constructor(private readonly _actions: HeaderActions) {
    super();
    const { trans } = _actions;
    this.addClass('jp-ac-header');
    this._choose = button(trans.__('Conversations'), () => this._toggle(), this._title, icon(caretDownIcon));
    this._choose.classList.add('jp-ac-choose');
    this._choose.setAttribute('aria-expanded', 'false');
    this._search = el('input', {
      type: 'search',
      class: 'jp-ac-search',
      dir: 'auto',
      placeholder: trans.__('Search conversations'),
      'aria-label': trans.__('Search conversations')
    });
    this._search.addEventListener('input', () => {
      clearTimeout(this._timer);
      this._timer = setTimeout(() => void this.refresh(), TYPING);
    });
    this._drawer = el('div', { class: 'jp-ac-drawer' }, this._search, this._list);
    this._drawer.hidden = true;
    this._drawer.addEventListener('keydown', event => {
      if (event.key === 'Escape') {
        event.stopPropagation();
        this._close();
      }
    });
    this.node.append(
      el(
        'div',
        { class: 'jp-ac-bar' },
        this._choose,
        button(trans.__('New conversation'), () => this._begin(), icon(addIcon)),
        button(trans.__('More'), event => _actions.menu(event), icon(ellipsesIcon))
      ),
      this._drawer
    );
    this.name(null);
  }

  /** Show which conversation this is. */
  name(conversation: Conversation | null): void {
    const { trans } = this._actions;
    this._current = conversation?.id ?? '';
    const title = unturned(conversation?.title ?? '') || trans.__('New conversation');
    this._title.textContent = title;
    this._choose.title = conversation?.notebook ? `${title}\n${unturned(conversation.notebook)}` : title;
    this._choose.setAttribute('aria-label', trans.__('Conversations, now: %1', title));
  }

  /** Read the list anew, if it is shown. */
  async refresh(): Promise<void> {
    if (this._drawer.hidden) {
      return;
    }
    const { trans } = this._actions;
    const query = this._search.value.trim();
    let found: Conversation[] = [];
    let empty = query ? trans.__('Nothing found.') : trans.__('No conversation yet.');
    try {
      found = await this._actions.list(query);
    } catch (error) {
      empty = sentence((error as Error).message);
    }
    if (query !== this._search.value.trim()) {
      return;
    }
    this._list.replaceChildren(...found.map(item => el('li', {}, this._row(item))));
    if (!found.length) {
      this._list.append(el('li', { class: 'jp-ac-note', text: empty }));
    }
  }

  private _row(item: Conversation): HTMLElement {
    const title = unturned(item.title);
    const row = button(title || this._actions.trans.__('New conversation'), () => {
      this._close();
      this._actions.open(item.id);
    });
    row.className = 'jp-ac-row';
    row.append(
      el('span', { class: 'jp-ac-row-title', dir: 'auto', text: title || '…' }),
      el('span', {
        class: 'jp-ac-row-about',
        text: [unturned(item.notebook), new Date(item.changed * 1000).toLocaleString()]
          .filter(part => part)
          .join(' · ')
      })
    );
    if (item.id === this._current) {
      row.setAttribute('aria-current', 'true');
    }
    return row;
  }

  private _begin(): void {
    this._close();
    this._actions.blank();
  }

  private _toggle(): void {
    if (!this._drawer.hidden) {
      this._close();
      return;
    }
    this._drawer.hidden = false;
    this._choose.setAttribute('aria-expanded', 'true');
    this._search.value = '';
    this._search.focus();
    void this.refresh();
  }

  private _close(): void {
    if (!this._drawer.hidden) {
      this._drawer.hidden = true;
      this._choose.setAttribute('aria-expanded', 'false');
      this._choose.focus();
    }
  }

  private readonly _title = el('span', { class: 'jp-ac-title', dir: 'auto' });
  private readonly _list = el('ul', { class: 'jp-ac-list' });
  private readonly _choose: HTMLButtonElement;
  private readonly _search: HTMLInputElement;
  private readonly _drawer: HTMLElement;
  private _current = '';
  private _timer: ReturnType<typeof setTimeout> | undefined;
}

function icon(from: LabIcon): HTMLElement {
  const image = from.element({ tag: 'span', height: '16px', width: '16px' });
  image.setAttribute('aria-hidden', 'true');
  return image;
}
