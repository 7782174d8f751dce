/*
 * The sidebar: its header, the conversation, what is attached, and what is said when something is wrong.
 */

import type { IThemeManager } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Panel, Widget } from '@lumino/widgets';

import { ChatModel, chatWidget } from './chatmodel';
import { codeBlock } from './components/code';
import { Header } from './components/header';
import type { MessageHost } from './components/message';
import { TrayRow } from './components/tray';
import { button, el } from './dom';
import type { ActiveNotebook } from './notebook';
import type { Message } from './protocol';
import type { Notice, Session } from './session';
import type { Change, ConversationState } from './state';
import { Stick } from './stick';
import { sentence } from './words';

/** What goes on in the conversation. */
type Work = '' | 'writing' | 'running';

export interface SidebarOptions {
  session: Session;
  notebook: ActiveNotebook;
  trans: TranslationBundle;
  themeManager: IThemeManager | null;
  ways: readonly { label: string; act: () => void }[];
  menu: (event: MouseEvent) => void;
  commands: () => Record<string, string>;
  card: (ticket: string) => HTMLElement | null;
  highlight: (code: HTMLElement, source: string, language: string) => void;
  sendWithShiftEnter: boolean;
}

export class Sidebar extends Panel {
  constructor(private readonly _options: SidebarOptions) {
    super();
    const { session, trans } = _options;
    this.addClass('jp-ac-sidebar');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Autocoder chat'));
    this._header = new Header({
      trans,
      list: query => session.api.conversations({ query }),
      open: id => session.open(id),
      blank: () => session.blank(),
      menu: _options.menu
    });
    const told = new Widget({
      node: el('div', { class: 'jp-ac-told' }, this._offline, this._notice, this._said)
    });
    this.addWidget(this._header);
    this.addWidget(told);
    this.addWidget(this._empty());
    this.addWidget(new Widget({ node: el('div', { class: 'jp-ac-earlier' }, this._earlier) }));
    this.addWidget(new TrayRow(session.tray, { trans, ways: _options.ways }));
    session.switched.connect(this._switched, this);
    session.listing.connect(() => void this._header.refresh());
    session.notice.connect((_, notice) => this._tell(notice));
    session.returned.connect((_, text) => this._giveBack(text));
    session.transport.connection.connect((_, connected) => this._connected(connected));
    this._switched(session, session.state);
  }

  /** The conversation's input, ready to type. */
  focusInput(): void {
    this._model?.input.focus();
  }

  /** Begin a message for the person to finish. */
  suggest(text: string): void {
    if (this._model && !this._model.input.value.trim()) {
      this._model.input.value = text;
    }
    this.focusInput();
  }

  set sendWithShiftEnter(value: boolean) {
    this._options.sendWithShiftEnter = value;
    if (this._model) {
      this._model.config = { sendWithShiftEnter: value };
    }
  }

  override dispose(): void {
    this._model?.dispose();
    this._stick.dispose();
    super.dispose();
  }

  private _switched(_: Session, state: ConversationState): void {
    const { session, themeManager } = this._options;
    this._chat?.dispose();
    this._model?.dispose();
    const model = new ChatModel({
      host: this._host(),
      send: text => session.ask(text),
      stop: () => session.stop(),
      commands: this._options.commands,
      sendWithShiftEnter: this._options.sendWithShiftEnter,
      labels: this._labels()
    });
    this._model = model;
    model.input.value = session.draft;
    model.input.valueChanged.connect((_, text) => {
      if (model === this._model) {
        session.keepDraft(text);
      }
    });
    model.show(state);
    this._chat = chatWidget(model, themeManager);
    this._chat.addClass('jp-ac-chat');
    this.insertWidget(4, this._chat);
    this._watch(this._chat.node);
    state.changed.connect(this._changed, this);
    this._changed(state, { kind: 'reset' });
  }

  private _changed(state: ConversationState, change: Change): void {
    if (change.kind === 'reset' || (change.kind === 'added' && change.message.role === 'person')) {
      this._stick.now();
    }
    if (change.kind === 'reset' || change.kind === 'added') {
      this._showTicket(state.messages[state.messages.length - 1]);
    }
    if (change.kind === 'reset' || change.kind === 'titled') {
      this._header.name(state.info);
    }
    this._hint.hidden = state.messages.length > 0;
    this._countEarlier();
    const work = state.writing ? 'writing' : state.busy ? 'running' : '';
    if (this._work !== work) {
      this._said.textContent = this._progress(state, work);
      this._work = work;
    }
  }

  /** What somebody hears who does not see what happens: that work began, and how it ended. */
  private _progress(state: ConversationState, work: Work): string {
    const { trans } = this._options;
    if (work) {
      return work === 'writing' ? trans.__('The answer is being written.') : trans.__('The code runs.');
    }
    if (this._work === 'running') {
      return trans.__('The run is over.');
    }
    const last = state.messages[state.messages.length - 1];
    switch (last?.state) {
      case 'done':
        return trans.__('The answer is complete.');
      case 'stopped':
        return trans.__('The answer was stopped.');
      case 'failed':
        return trans.__('There is no whole answer. %1', sentence(last.problem?.what ?? ''));
      default:
        return '';
    }
  }

  /** A ticket is read from its head on; its controls stand at its end. */
  private _showTicket(last: Message | undefined): void {
    if (last?.ticket) {
      this._stick.show(() => this._model?.node(last.id) ?? null);
    }
  }

  private _countEarlier(): void {
    const hidden = this._model?.hidden ?? 0;
    this._earlier.hidden = hidden <= 0;
    this._earlier.textContent = this._options.trans.__('Show earlier messages (%1)', hidden);
  }

  private _host(): MessageHost {
    const { session, notebook, trans, card, highlight } = this._options;
    const put = (done: boolean): void => {
      if (!done) {
        const what = trans.__('There is no notebook in front.');
        this._tell({ what, do: trans.__('Open a notebook and click into a cell.') });
      }
    };
    return {
      trans,
      card,
      highlight,
      doing: id => session.state.doing(id),
      code: message => (source, language, closed) =>
        codeBlock(source, language, closed, {
          trans,
          highlight,
          run: code => session.run(message, code),
          insertBelow: code => put(notebook.insertBelow(code)),
          replaceCell: code => put(notebook.replaceActive(code))
        })
    };
  }

  private _empty(): Widget {
    const { trans } = this._options;
    this._hint.append(
      el('p', {
        text: trans.__('Ask in words. Code in the answer can be run in a sandbox or put into your notebook.')
      }),
      el('p', { class: 'jp-ac-note', text: trans.__('Type / to see the commands. Nothing runs by itself.') })
    );
    return new Widget({ node: this._hint });
  }

  private _tell(notice: Notice | null): void {
    this._notice.replaceChildren(
      ...(notice
        ? [el('strong', { text: sentence(notice.what) }), el('span', { text: ` ${sentence(notice.do)}` })]
        : [])
    );
  }

  private _giveBack(text: string): void {
    if (this._model) {
      this._model.input.value = [text, this._model.input.value].filter(part => part).join('\n\n');
    }
  }

  private _connected(connected: boolean): void {
    const text = this._options.trans.__(
      'The connection is lost. It comes back by itself; what you send waits.'
    );
    this._offline.textContent = connected ? '' : text;
  }

  /** Name what the chat library leaves without a name, whenever it builds its elements anew. */
  private _watch(node: HTMLElement): void {
    const { trans } = this._options;
    let input: Element | null = null;
    let scroller: HTMLElement | null = null;
    new MutationObserver(() => {
      if (!input?.isConnected) {
        input = node.querySelector('textarea:not([aria-hidden])');
        input?.setAttribute('aria-label', trans.__('Your message'));
        input?.setAttribute('dir', 'auto');
        input?.setAttribute('placeholder', trans.__('Ask, or type / for commands'));
      }
      if (!scroller?.isConnected) {
        const box = node.querySelector('.jp-chat-messages-container');
        box?.setAttribute('role', 'log');
        box?.setAttribute('aria-label', trans.__('Messages'));
        // Reading every piece of a streamed text aloud would be noise: the state is announced instead.
        box?.setAttribute('aria-live', 'off');
        scroller = box?.parentElement?.parentElement ?? null;
        if (box && scroller) {
          scroller.setAttribute('tabindex', '0');
          this._stick.to(scroller, box);
        }
      }
    }).observe(node, { childList: true, subtree: true });
  }

  private _labels(): { you: string; assistant: string; note: string; stop: string } {
    const { trans } = this._options;
    return {
      you: trans.__('You'),
      assistant: trans.__('Assistant'),
      note: trans.__('Note'),
      stop: trans.__('Stop')
    };
  }

  private readonly _header: Header;
  private readonly _offline = el('div', { class: 'jp-ac-offline', role: 'status' });
  private readonly _notice = el('div', { class: 'jp-ac-notice', role: 'alert' });
  private readonly _said = el('div', { class: 'jp-ac-sr', role: 'status' });
  private readonly _hint = el('div', { class: 'jp-ac-hint' });
  private readonly _stick = new Stick();
  private readonly _earlier = button('', () => {
    this._stick.rest();
    this._model?.showEarlier();
    this._countEarlier();
    if (this._earlier.hidden) {
      this.focusInput();
    }
  });
  private _model: ChatModel | null = null;
  private _chat: Widget | null = null;
  private _work: Work = '';
}
