/*
 * One message on the screen. It is built once and then changed in place: while an answer streams, only the tail of its
 * text is drawn anew, and buttons keep the focus.
 */

import type { TranslationBundle } from '@jupyterlab/translation';

import { el } from '../dom';
import { MarkdownView, type CodeBlock } from '../markdown';
import type { Execution, Message, Problem } from '../protocol';
import type { Doing } from '../state';
import { footerParts, sentence, tokens } from '../words';
import { ExecutionView } from './execution';

/** Milliseconds between two drawings of a text that grows: fast enough for the eye, slow enough for the page. */
const DRAW = 50;
/** How many times as long as a drawing took the page rests before the next. */
const REST = 4;

/** What a message needs of its panel. */
export interface MessageHost {
  readonly trans: TranslationBundle;
  /** Draws a code block with its buttons. */
  code(message: string): CodeBlock;
  /** Draws a trade ticket's card, where trading is known. */
  card(ticket: string): HTMLElement | null;
  doing(message: string): Doing | undefined;
  /** Colours code in place, where the page can. */
  highlight(code: HTMLElement, source: string, language: string): void;
}

export class MessageView {
  readonly node = el('div', { class: 'jp-ac-message' });

  constructor(
    private _message: Message,
    private readonly _host: MessageHost
  ) {
    this._text = new MarkdownView(_host.trans, _host.code(_message.id));
    this.node.dataset.role = _message.role;
    this.node.append(
      this._chips,
      this._text.node,
      this._card,
      this._doing,
      this._problem,
      this._runs,
      this._footer
    );
    this._draw();
  }

  /** Show a newer state; text is drawn at most every DRAW milliseconds. */
  update(message: Message): void {
    this._message = message;
    // What takes long to draw is drawn less often, so that the page stays the person's.
    const wait = this._drawn + Math.max(DRAW, REST * this._cost) - performance.now();
    if (message.state !== 'writing' || wait <= 0) {
      this._drawNow();
    } else if (this._timer === undefined) {
      this._timer = setTimeout(() => this._drawNow(), wait);
    }
  }

  /** Show what is being done for the message. */
  refreshDoing(): void {
    const { trans } = this._host;
    const doing = this._host.doing(this._message.id);
    const active = this._message.state === 'waiting' || this._message.state === 'writing';
    clearInterval(this._clock);
    if (!active) {
      this._doing.replaceChildren();
      return;
    }
    const words = el('span');
    const show = (): void => {
      const left = doing?.until ? Math.max(0, Math.ceil((doing.until - performance.now()) / 1000)) : null;
      const text =
        doing?.text || (this._message.role === 'person' ? trans.__('Not sent yet…') : trans.__('Thinking…'));
      words.textContent = left === null ? text : `${text} ${trans.__('%1 s left', left)}`;
    };
    show();
    if (doing?.until) {
      this._clock = setInterval(show, 1000);
    }
    if (this._message.state === 'waiting' || doing) {
      this._doing.replaceChildren(dots(), words);
    } else {
      this._doing.replaceChildren(dots());
    }
  }

  dispose(): void {
    clearTimeout(this._timer);
    clearInterval(this._clock);
  }

  private _drawNow(): void {
    clearTimeout(this._timer);
    this._timer = undefined;
    const began = performance.now();
    this._draw();
    this._drawn = performance.now();
    this._cost = this._drawn - began;
  }

  private _draw(): void {
    const message = this._message;
    this.node.dataset.state = message.state;
    this._text.show(message.text, { whole: message.state !== 'writing' });
    this._drawChips();
    this.refreshDoing();
    this._problem.replaceChildren(...(message.problem ? [problem(message.problem)] : this._stopped()));
    this._drawRuns(message.executions);
    this._drawFooter();
    if (message.ticket && this._ticket !== message.ticket) {
      this._ticket = message.ticket;
      const card = this._host.card(message.ticket);
      this._card.replaceChildren(...(card ? [card] : []));
    }
  }

  private _stopped(): Node[] {
    return this._message.state === 'stopped'
      ? [el('p', { class: 'jp-ac-note', text: this._host.trans.__('Stopped.') })]
      : [];
  }

  private _drawChips(): void {
    const { trans } = this._host;
    if (this._chips.childElementCount !== this._message.attachments.length) {
      this._chips.replaceChildren(
        ...this._message.attachments.map(item =>
          el(
            'details',
            { class: 'jp-ac-chip' },
            el('summary', { text: `${item.label} · ${tokens(item.tokens, trans)}` }),
            el('pre', { class: 'jp-ac-output jp-ac-scroll', tabindex: '0', text: item.text })
          )
        )
      );
    }
  }

  private _drawRuns(executions: readonly Execution[]): void {
    for (const execution of executions) {
      const known = this._views.get(execution.id);
      if (known) {
        known.update(execution);
      } else {
        const view = new ExecutionView(execution, this._host.trans);
        this._views.set(execution.id, view);
        this._runs.append(view.node);
      }
    }
  }

  private _drawFooter(): void {
    const footer = this._message.footer;
    if (!footer || this._footer.childElementCount) {
      return;
    }
    const parts = footerParts(footer, this._host.trans);
    this._footer.append(el('div', { class: 'jp-ac-footer-line', text: parts.join(' · ') }));
    this._footer.append(...footer.notes.map(note => el('div', { class: 'jp-ac-footer-note', text: note })));
  }

  private readonly _chips = el('div', { class: 'jp-ac-chips' });
  private readonly _text: MarkdownView;
  private readonly _card = el('div');
  private readonly _doing = el('div', { class: 'jp-ac-doing' });
  private readonly _problem = el('div');
  private readonly _runs = el('div', { class: 'jp-ac-runs' });
  private readonly _footer = el('div', { class: 'jp-ac-footer' });
  private readonly _views = new Map<string, ExecutionView>();
  private _ticket = '';
  private _drawn = 0;
  private _cost = 0;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _clock: ReturnType<typeof setInterval> | undefined;
}

/** Draw an error as what happened, why, and what to do. */
export function problem(told: Problem): HTMLElement {
  return el(
    'div',
    { class: 'jp-ac-problem', role: 'note' },
    el('div', { class: 'jp-ac-problem-what', text: sentence(told.what) }),
    told.why ? el('div', { text: sentence(told.why) }) : null,
    told.do ? el('div', { class: 'jp-ac-problem-do', text: sentence(told.do) }) : null
  );
}

function dots(): HTMLElement {
  return el('span', { class: 'jp-ac-dots', 'aria-hidden': 'true' }, el('i'), el('i'), el('i'));
}
