/*
 * What the browser keeps for a person over a reload. A browser that keeps nothing (its storage is full, or the person
 * forbade it) costs them that, and nothing else.
 */

export class Kept {
  /** `server` tells servers of one origin apart: on a hub each person has one below it. */
  constructor(
    private readonly _storage: Storage,
    private readonly _server = ''
  ) {}

  get(key: string): string | null {
    try {
      return this._storage.getItem(this._server + key);
    } catch {
      return null;
    }
  }

  /** Keep a text; an empty one is forgotten. */
  set(key: string, text: string): void {
    try {
      if (text) {
        this._storage.setItem(this._server + key, text);
      } else {
        this._storage.removeItem(this._server + key);
      }
    } catch {
      // There is nobody who could do anything about it.
    }
  }
}
