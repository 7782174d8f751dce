/*
 * The socket to the server. It comes back by itself after a sleep or a lost network; what was sent and not yet confirmed
 * is sent again (the server takes each id once), and every followed conversation is opened anew.
 */

import { Signal, type ISignal } from '@lumino/signaling';

import type { Kept } from './kept';
import {
  SERVER_FRAME_TYPES,
  type AskFrame,
  type ClientFrame,
  type ExecuteFrame,
  type ServerFrame,
  type StopFrame
} from './protocol';

/** As much of a browser's WebSocket as is used here. */
export interface Socket {
  readyState: number;
  onopen: ((event: Event) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onerror: ((event: Event) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface TransportOptions {
  /** Opens a socket; called again for every attempt, since a token may have changed. */
  connect: () => Socket;
  /** Keeps what waits for the server over a reload of this tab. */
  kept?: Kept;
  /** Milliseconds before the first attempt to come back; doubled up to `longest`. */
  shortest?: number;
  longest?: number;
}

/** What waits for the server. */
export type Waiting = AskFrame | ExecuteFrame | StopFrame;

const KINDS: ReadonlySet<string> = new Set<Waiting['type']>(['ask', 'execute', 'stop']);
const OPEN = 1;
const UNSENT = 'jupyter-autocoder:unsent';
const LOOK = 5_000;
/** A timer that is this late was asleep: the socket may be dead without knowing. */
const SLEPT = 20_000;

export class Transport {
  constructor(options: TransportOptions) {
    this._connect = options.connect;
    this._kept = options.kept;
    this._unconfirmed = new Map(restored(this._kept?.get(UNSENT)));
    this._shortest = options.shortest ?? 500;
    this._longest = options.longest ?? 30_000;
    this._delay = this._shortest;
    this._watch = setInterval(() => this._look(), LOOK);
    globalThis.addEventListener?.('online', this._now);
    this._open();
  }

  /** Every frame of the server, in order. */
  get frame(): ISignal<this, ServerFrame> {
    return this._frame;
  }

  /** Whether the server can be heard; emitted at every change. */
  get connection(): ISignal<this, boolean> {
    return this._connection;
  }

  get connected(): boolean {
    return this._connected;
  }

  /** What was sent and not confirmed yet. */
  get unconfirmed(): readonly Waiting[] {
    return [...this._unconfirmed.values()];
  }

  /** Follow a conversation until `unfollow`, over every reconnection. */
  follow(conversation: string): void {
    this._followed.add(conversation);
    this._send({ type: 'open', conversation });
  }

  unfollow(conversation: string): void {
    this._followed.delete(conversation);
    this._send({ type: 'close', conversation });
  }

  /** Say something; it is sent again after a lost connection until the server has confirmed it. */
  ask(frame: AskFrame): void {
    this._deliver(frame);
  }

  /** Run something; the same care as for `ask`. */
  execute(frame: ExecuteFrame): void {
    this._deliver(frame);
  }

  /** Stop what runs; without a connection, as soon as there is one, after what was said before. */
  stop(conversation: string): void {
    const frame: StopFrame = { type: 'stop', conversation };
    if (!this._send(frame)) {
      const key = `stop ${conversation}`;
      this._unconfirmed.delete(key);
      this._unconfirmed.set(key, frame);
      this._keep();
    }
  }

  /** Give a frame that the server refused, once. */
  returned(id: string): AskFrame | ExecuteFrame | undefined {
    const frame = this._refused.get(id);
    this._refused.delete(id);
    return frame;
  }

  /** Give the questions that waited for a conversation which is gone, once. */
  lost(conversation: string): AskFrame[] {
    const frames = [...this._refused.values()].filter(frame => frame.conversation === conversation);
    frames.forEach(frame => this._refused.delete(frame.id));
    return frames.filter(frame => frame.type === 'ask');
  }

  dispose(): void {
    this._disposed = true;
    clearInterval(this._watch);
    clearTimeout(this._timer);
    globalThis.removeEventListener?.('online', this._now);
    this._drop();
    Signal.clearData(this);
  }

  private _deliver(frame: AskFrame | ExecuteFrame): void {
    this._unconfirmed.set(frame.id, frame);
    this._keep();
    this._send(frame);
  }

  private _open(): void {
    if (this._disposed) {
      return;
    }
    let socket: Socket;
    try {
      socket = this._connect();
    } catch {
      this._later();
      return;
    }
    this._socket = socket;
    socket.onmessage = event => this._heard(socket, event.data);
    socket.onclose = () => this._lost(socket);
    socket.onerror = () => undefined;
  }

  private _heard(socket: Socket, data: unknown): void {
    if (socket !== this._socket || typeof data !== 'string') {
      return;
    }
    let frame: ServerFrame;
    try {
      frame = JSON.parse(data) as ServerFrame;
    } catch {
      return;
    }
    if (!SERVER_FRAME_TYPES.has(frame.type)) {
      return; // A newer server may say more than we understand.
    }
    if (frame.type === 'welcome') {
      this._welcomed();
    }
    this._confirm(frame);
    this._frame.emit(frame);
  }

  private _welcomed(): void {
    this._delay = this._shortest;
    this._connected = true;
    for (const conversation of this._followed) {
      this._send({ type: 'open', conversation });
    }
    for (const [key, frame] of this._unconfirmed) {
      // Nobody confirms a stop.
      if (this._send(frame) && frame.type === 'stop') {
        this._unconfirmed.delete(key);
      }
    }
    this._keep();
    this._connection.emit(true);
  }

  private _confirm(frame: ServerFrame): void {
    const before = this._unconfirmed.size;
    if (frame.type === 'refused') {
      this._refuse(frame.request);
    } else if (frame.type === 'gone') {
      this._unconfirmed.forEach((waiting, key) => {
        if (waiting.conversation === frame.conversation) {
          this._refuse(key);
        }
      });
    } else {
      const messages =
        frame.type === 'put' ? [frame.message] : frame.type === 'snapshot' ? frame.messages : [];
      for (const message of messages) {
        this._unconfirmed.delete(message.id);
        message.executions.forEach(execution => this._unconfirmed.delete(execution.id));
      }
    }
    if (this._unconfirmed.size !== before) {
      this._keep();
    }
  }

  private _refuse(key: string): void {
    const sent = this._unconfirmed.get(key);
    this._unconfirmed.delete(key);
    if (sent && sent.type !== 'stop') {
      this._refused.set(key, sent);
    }
  }

  private _keep(): void {
    this._kept?.set(UNSENT, this._unconfirmed.size ? JSON.stringify([...this._unconfirmed]) : '');
  }

  private _send(frame: ClientFrame): boolean {
    if (!this._connected || this._socket?.readyState !== OPEN) {
      return false;
    }
    this._socket.send(JSON.stringify(frame));
    return true;
  }

  private _lost(socket: Socket): void {
    if (socket !== this._socket) {
      return;
    }
    this._drop();
    this._later();
  }

  private _drop(): void {
    const socket = this._socket;
    this._socket = null;
    if (socket !== null) {
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
    if (this._connected) {
      this._connected = false;
      this._connection.emit(false);
    }
  }

  private _later(): void {
    clearTimeout(this._timer);
    if (this._disposed) {
      return;
    }
    // Up to a third is left to chance, so that a server's restart is not met by all tabs at once.
    this._timer = setTimeout(() => this._open(), this._delay * (1 - Math.random() / 3));
    this._delay = Math.min(this._delay * 2, this._longest);
  }

  private readonly _now = (): void => {
    if (!this._connected) {
      this._delay = this._shortest;
      clearTimeout(this._timer);
      this._drop();
      this._open();
    }
  };

  private _look(): void {
    const now = Date.now();
    if (now - this._looked > SLEPT) {
      this._drop();
      this._now();
    }
    this._looked = now;
  }

  private _connect: () => Socket;
  private _shortest: number;
  private _longest: number;
  private _delay: number;
  private _socket: Socket | null = null;
  private _connected = false;
  private _disposed = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _watch: ReturnType<typeof setInterval>;
  private _looked = Date.now();
  private _followed = new Set<string>();
  private _kept: Kept | undefined;
  private _unconfirmed: Map<string, Waiting>;
  private _refused = new Map<string, AskFrame | ExecuteFrame>();
  private _frame = new Signal<this, ServerFrame>(this);
  private _connection = new Signal<this, boolean>(this);
}

/** Read what an earlier page of this tab left waiting. */
function restored(text: string | null | undefined): [string, Waiting][] {
  try {
    const found = JSON.parse(text || '[]') as [string, Waiting][];
    return found.every(([key, frame]) => typeof key === 'string' && KINDS.has(frame.type)) ? found : [];
  } catch {
    return [];
  }
}
