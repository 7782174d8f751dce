/*
 * What the person shows the model, as chips: visible, with its size in tokens, and removable before it is sent.
 */

import { Signal, type ISignal } from '@lumino/signaling';

import type { Attachment } from './protocol';

export const MAX = 20;
/** Characters of one attachment; the end is kept as well, since errors stand there. */
const LONGEST = 100_000;

export class Tray {
  constructor(private readonly _count: (texts: string[]) => Promise<number[]>) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get items(): readonly Attachment[] {
    return this._items;
  }

  /** Add or renew an attachment, the same thing never twice; false when there is no room for more. */
  async add(kind: Attachment['kind'], label: string, text: string): Promise<boolean> {
    const cut =
      text.length > LONGEST ? `${text.slice(0, LONGEST / 2)}\n…\n${text.slice(-LONGEST / 2)}` : text;
    const made: Attachment = { kind, label, text: cut, tokens: Math.ceil(cut.length / 4) };
    const others = this._items.filter(item => !same(item, made));
    if (others.length >= MAX) {
      return false;
    }
    this._items = [...others, made];
    this._changed.emit();
    try {
      const [tokens] = await this._count([cut]);
      this._items = this._items.map(item => (item === made ? { ...made, tokens } : item));
      this._changed.emit();
    } catch {
      // The estimate stays; sending does not depend on it.
    }
    return true;
  }

  remove(attachment: Attachment): void {
    this._items = this._items.filter(item => !same(item, attachment));
    this._changed.emit();
  }

  /** Give what is attached and begin anew. */
  take(): Attachment[] {
    const taken = this._items;
    this._items = [];
    this._changed.emit();
    return taken;
  }

  /** Put back what could not be sent, unless it was renewed meanwhile; gives what has no room any more. */
  restore(items: readonly Attachment[]): Attachment[] {
    const old = items.filter(item => !this._items.some(other => same(item, other)));
    const all = [...old, ...this._items];
    this._items = all.slice(0, MAX);
    this._changed.emit();
    return all.slice(MAX);
  }

  private _items: Attachment[] = [];
  private _changed = new Signal<this, void>(this);
}

function same(one: Attachment, other: Attachment): boolean {
  return one.kind === other.kind && one.label === other.label;
}
