/*
 * A conversation as this tab knows it: frames go in, changes come out. No DOM, no network.
 */

import { Signal, type ISignal } from '@lumino/signaling';

import { merged } from './outputs';
import type {
  AskFrame,
  Conversation,
  DeltaFrame,
  Message,
  OutputFrame,
  ServerFrame,
  StatusFrame
} from './protocol';

/** What is being done for a message; `until` is when a wait ends, in the clock of `performance.now()`. */
export interface Doing {
  stage: string;
  text: string;
  until: number | null;
}

export type Change =
  | { kind: 'reset' }
  | { kind: 'added'; message: Message }
  | { kind: 'changed'; message: Message }
  | { kind: 'doing'; message: Message }
  | { kind: 'titled' }
  | { kind: 'gone' };

const AT_WORK: ReadonlySet<string> = new Set(['waiting', 'writing', 'running']);

export class ConversationState {
  constructor(
    readonly id: string,
    private readonly _reopen: () => void,
    private readonly _clock: () => number = () => performance.now()
  ) {}

  get changed(): ISignal<this, Change> {
    return this._changed;
  }

  get info(): Conversation | null {
    return this._info;
  }

  get messages(): readonly Message[] {
    return this._messages;
  }

  message(id: string): Message | undefined {
    return this._messages.find(message => message.id === id);
  }

  doing(id: string): Doing | undefined {
    return this._doing.get(id);
  }

  /** Whether an answer is being written. */
  get writing(): boolean {
    return this._messages.some(message => message.role !== 'person' && AT_WORK.has(message.state));
  }

  /** Whether something is being answered or run. */
  get busy(): boolean {
    const runs = (message: Message): boolean => message.executions.some(item => AT_WORK.has(item.state));
    return this.writing || this._messages.some(runs);
  }

  /** Show a question that has not reached the server yet. */
  expect({ id, text, attachments }: AskFrame): void {
    if (!this.message(id)) {
      const message: Message = {
        id,
        role: 'person',
        text,
        time: Date.now() / 1000,
        state: 'waiting',
        attachments,
        footer: null,
        problem: null,
        executions: [],
        ticket: ''
      };
      this._expected.set(id, message);
      this._put(message);
    }
  }

  /** Show a question no longer that the server did not take. */
  forget(id: string): void {
    if (this._expected.delete(id)) {
      this._messages = this._messages.filter(message => message.id !== id);
      this._changed.emit({ kind: 'reset' });
    }
  }

  /** Take a frame; those of other conversations are left alone. */
  apply(frame: ServerFrame): void {
    if (!('conversation' in frame) || idOf(frame) !== this.id) {
      return;
    }
    if (frame.type === 'snapshot') {
      this._reset(frame.conversation, frame.messages, frame.seq);
    } else if (frame.type === 'gone') {
      this._changed.emit({ kind: 'gone' });
    } else if (frame.type !== 'refused' && this._inOrder(frame.seq)) {
      this._take(frame);
    }
  }

  private _reset(info: Conversation, messages: Message[], seq: number): void {
    this._info = info;
    messages.forEach(message => this._expected.delete(message.id));
    this._messages = [...messages, ...this._expected.values()];
    this._seq = seq;
    this._doing.clear();
    this._changed.emit({ kind: 'reset' });
  }

  /** Whether a frame is the next one; after a gap the conversation is opened again. */
  private _inOrder(seq: number): boolean {
    if (this._seq === null || seq <= this._seq) {
      return false;
    }
    if (seq !== this._seq + 1) {
      this._seq = null;
      this._reopen();
      return false;
    }
    this._seq = seq;
    return true;
  }

  private _take(frame: Exclude<ServerFrame, { type: 'snapshot' | 'gone' | 'refused' }>): void {
    switch (frame.type) {
      case 'put':
        this._expected.delete(frame.message.id);
        this._put(frame.message);
        break;
      case 'delta':
        this._extend(frame);
        break;
      case 'output':
        this._output(frame);
        break;
      case 'status':
        this._status(frame);
        break;
      case 'title':
        if (this._info) {
          this._info = { ...this._info, title: frame.title };
          this._changed.emit({ kind: 'titled' });
        }
        break;
    }
  }

  private _put(message: Message): void {
    const index = this._messages.findIndex(known => known.id === message.id);
    if (message.state !== 'waiting') {
      this._doing.delete(message.id);
    }
    if (index < 0) {
      this._messages = [...this._messages, message];
      this._changed.emit({ kind: 'added', message });
    } else {
      this._replace(index, message);
    }
  }

  private _extend(frame: DeltaFrame): void {
    const index = this._messages.findIndex(known => known.id === frame.message);
    if (index >= 0) {
      this._doing.delete(frame.message);
      const message = this._messages[index];
      this._replace(index, { ...message, text: message.text + frame.text, state: 'writing' });
    }
  }

  private _output(frame: OutputFrame): void {
    const index = this._messages.findIndex(known => known.id === frame.message);
    if (index >= 0) {
      const message = this._messages[index];
      const executions = message.executions.map(item =>
        item.id === frame.execution ? { ...item, outputs: merged(item.outputs, frame.output) } : item
      );
      this._replace(index, { ...message, executions });
    }
  }

  private _status(frame: StatusFrame): void {
    const message = this.message(frame.message);
    if (message) {
      const until = frame.seconds === null ? null : this._clock() + frame.seconds * 1000;
      this._doing.set(frame.message, { stage: frame.stage, text: frame.text, until });
      this._changed.emit({ kind: 'doing', message });
    }
  }

  private _replace(index: number, message: Message): void {
    this._messages = this._messages.slice();
    this._messages[index] = message;
    this._changed.emit({ kind: 'changed', message });
  }

  /** Questions that wait for a connection. */
  private _expected = new Map<string, Message>();
  private _info: Conversation | null = null;
  private _messages: Message[] = [];
  private _seq: number | null = null;
  private _doing = new Map<string, Doing>();
  private _changed = new Signal<this, Change>(this);
}

function idOf(frame: ServerFrame & { conversation: unknown }): string {
  return frame.type === 'snapshot' ? frame.conversation.id : (frame.conversation as string);
}
