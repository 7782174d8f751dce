/*
 * What one sidebar works with: which conversation is shown, its draft, and sending. No DOM.
 */

import type { TranslationBundle } from '@jupyterlab/translation';
import { Signal, type ISignal } from '@lumino/signaling';

import type { Api } from './api';
import { MAX, type Tray } from './attachments';
import type { Kept } from './kept';
import {
  MAX_FRAME,
  MAX_TEXT,
  type AskFrame,
  type Attachment,
  type Conversation,
  type Problem,
  type ServerFrame
} from './protocol';
import { ConversationState } from './state';
import type { Transport } from './transport';
import { sentence } from './words';

const DRAFT = 'jupyter-autocoder:draft:';
const LAST = 'jupyter-autocoder:last:';

export interface Notice {
  what: string;
  do: string;
}

/** A question that cannot leave, and what to do. */
class Unsendable extends Error {
  constructor(
    what: string,
    readonly advice: string
  ) {
    super(what);
  }
}

export class Session {
  constructor(
    readonly api: Api,
    readonly transport: Transport,
    readonly tray: Tray,
    private readonly _kept: Kept,
    private readonly _trans: TranslationBundle
  ) {
    transport.frame.connect(this._heard, this);
    transport.connection.connect(this._showWaiting, this);
  }

  /** Another conversation is shown from now on. */
  get switched(): ISignal<this, ConversationState> {
    return this._switched;
  }

  /** The list of conversations may have changed. */
  get listing(): ISignal<this, void> {
    return this._listing;
  }

  /** Something to tell that belongs to no message. */
  get notice(): ISignal<this, Notice | null> {
    return this._notice;
  }

  /** A message could not be sent: its text goes back to the input. */
  get returned(): ISignal<this, string> {
    return this._returned;
  }

  /** A ticket moved. */
  get ticketMoved(): ISignal<this, string> {
    return this._ticketMoved;
  }

  /** An answer or a run ended: money and limits may have changed. */
  get settled(): ISignal<this, void> {
    return this._settled;
  }

  get state(): ConversationState {
    return this._state;
  }

  /** The notebook that a new conversation will be attached to. */
  notebook = '';

  /** Show the conversation this person had last with this notebook, or the beginning of a new one. */
  async resume(notebook: string): Promise<void> {
    this.notebook = notebook;
    const choice = this._choice;
    const found = await this.api.conversations({ notebook });
    if (this.notebook !== notebook || this._choice !== choice) {
      return; // The person, or another notebook, was faster.
    }
    const last = this._kept.get(LAST + notebook);
    const chosen = found.find(item => item.id === last) ?? found[0];
    if (chosen) {
      this.open(chosen.id);
    } else {
      this.blank();
    }
  }

  /** Show a conversation. */
  open(id: string): void {
    this._choice += 1;
    if (this._state.id === id) {
      return;
    }
    this._show(id);
    this.transport.follow(id);
  }

  /** Begin a new conversation; it comes into being with its first message. */
  blank(): void {
    this._choice += 1;
    if (this._state.id) {
      this._show('');
    }
  }

  /** Send a message with what is attached; false when it could not be taken. */
  async ask(text: string): Promise<boolean> {
    this._choice += 1;
    this._notice.emit(null);
    const attachments = this.tray.take();
    const frame: AskFrame = { type: 'ask', id: newId(), conversation: this._state.id, text, attachments };
    try {
      // A question that cannot leave begins no conversation; every id is as long as another.
      this._measure({ ...frame, conversation: frame.conversation || newId() });
      this.transport.ask({ ...frame, conversation: await this._begun() });
    } catch (error) {
      this._giveBack(attachments, (error as Error).message, (error as { advice?: string }).advice ?? '');
      return false;
    }
    this._showWaiting();
    return true;
  }

  /** Check and run code of a message. */
  run(message: string, source: string): void {
    this._notice.emit(null);
    const conversation = this._state.id;
    this.transport.execute({ type: 'execute', id: newId(), conversation, message, source });
  }

  stop(): void {
    this.transport.stop(this._state.id);
  }

  /** Tell the person something that belongs to no message. */
  tell(what: string, advice: string): void {
    this._notice.emit({ what, do: advice });
  }

  get draft(): string {
    this._typed = this._kept.get(this._draftKey) ?? '';
    return this._typed;
  }

  /** Keep what was typed and not sent, over a reload; what another tab typed is not forgotten here. */
  keepDraft(text: string): void {
    if (text) {
      this._choice += 1;
    }
    if (text || this._kept.get(this._draftKey) === this._typed) {
      this._kept.set(this._draftKey, text);
    }
    this._typed = text;
  }

  private get _draftKey(): string {
    return DRAFT + (this._state.id || `new:${this.notebook}`);
  }

  /** Refuse what no frame holds: the server shuts the door on it, and it would be sent again and again. */
  private _measure(frame: AskFrame): void {
    const trans = this._trans;
    if (frame.text.length > MAX_TEXT && Array.from(frame.text).length > MAX_TEXT) {
      throw new Unsendable(
        trans.__('A message has at most %1 characters, and this one has more.', MAX_TEXT.toLocaleString()),
        trans.__('Shorten it, or attach it as a file.')
      );
    }
    if (new Blob([JSON.stringify(frame)]).size > MAX_FRAME) {
      throw new Unsendable(
        trans.__('This is too much to send at once.'),
        trans.__('Remove an attachment, or attach a part of it.')
      );
    }
  }

  private async _begun(): Promise<string> {
    if (!this._state.id) {
      // One at a time: two quick messages belong to the same new conversation.
      this._beginning ??= this.api.begin(this.notebook).finally(() => (this._beginning = null));
      const made = await this._beginning;
      if (!this._state.id) {
        this._take(made.id);
      }
    }
    return this._state.id;
  }

  /** Show another conversation, and take along what is typed. */
  private _take(id: string): void {
    const typed = this.draft;
    this._kept.set(this._draftKey, '');
    this._kept.set(DRAFT + (id || `new:${this.notebook}`), typed);
    if (id) {
      this.open(id);
    } else {
      this.blank();
    }
  }

  private _show(id: string): void {
    const old = this._state.id;
    if (old) {
      this.transport.unfollow(old);
    }
    this._state = new ConversationState(id, () => this.transport.follow(id));
    this._switched.emit(this._state);
    this._showWaiting();
  }

  /** Show what waits for a connection at the end of its conversation. */
  private _showWaiting(): void {
    if (!this.transport.connected) {
      this.transport.unconfirmed
        .filter(frame => frame.type === 'ask')
        .filter(frame => frame.conversation === this._state.id)
        .forEach(frame => this._state.expect(frame));
    }
  }

  private _heard(_: unknown, frame: ServerFrame): void {
    switch (frame.type) {
      case 'listing':
        this._listing.emit();
        return;
      case 'tickets':
        this._ticketMoved.emit(frame.ticket);
        return;
      case 'refused':
        this._refused(frame.request, frame.problem);
        return;
      case 'gone':
        this._gone(frame.conversation);
        return;
      case 'snapshot':
        this._kept.set(LAST + frame.conversation.notebook, frame.conversation.id);
        break;
      default:
        break;
    }
    this._state.apply(frame);
    if (frame.type === 'put' && frame.message.state !== 'waiting') {
      this._settled.emit();
    }
  }

  /** A conversation was deleted, maybe in another tab: what was typed there, or waited, is given back. */
  private _gone(conversation: string): void {
    const waited = this.transport.lost(conversation);
    if (conversation === this._state.id) {
      const typed = this.draft;
      this._take('');
      waited.forEach(frame => this._returned.emit(frame.text));
      if (typed || waited.length) {
        const attached = waited.flatMap(frame => frame.attachments);
        this._giveBack(
          attached,
          this._trans.__('This conversation was deleted.'),
          this._trans.__('What you wrote there is in the input of a new one.')
        );
      }
    } else {
      this._kept.set(DRAFT + conversation, '');
    }
  }

  private _refused(request: string, problem: Problem): void {
    const frame = this.transport.returned(request);
    this._state.forget(request);
    this._giveBack(frame?.type === 'ask' ? frame.attachments : [], problem.what, problem.do);
    if (frame?.type === 'ask') {
      this._returned.emit(frame.text);
    }
  }

  /** Put back what was attached to a question that did not leave, and say why; also what has no room beside it. */
  private _giveBack(attachments: readonly Attachment[], what: string, advice: string): void {
    const lost = this.tray.restore(attachments).map(item => item.label);
    const room = lost.length
      ? this._trans.__('%1: not attached any more, there are %2 already.', lost.join(', '), MAX)
      : '';
    this._notice.emit({ what, do: [sentence(advice), room].filter(part => part).join(' ') });
  }

  private _state = new ConversationState('', () => undefined);
  /** What this tab typed last. */
  private _typed = '';
  /** Counts what decides about the conversation that is shown, so that a slow answer cannot overrule it. */
  private _choice = 0;
  private _beginning: Promise<Conversation> | null = null;
  private _switched = new Signal<this, ConversationState>(this);
  private _listing = new Signal<this, void>(this);
  private _notice = new Signal<this, Notice | null>(this);
  private _returned = new Signal<this, string>(this);
  private _ticketMoved = new Signal<this, string>(this);
  private _settled = new Signal<this, void>(this);
}

/** Make an id that nobody else makes. */
export function newId(): string {
  // randomUUID needs a secure context, and a plain http server on another host is none.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}
