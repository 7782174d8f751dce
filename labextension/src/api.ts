/*
 * The REST verbs of the server extension, through JupyterLab's own connection (its token, its XSRF cookie).
 */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { Conversation } from './protocol';
import type { Socket } from './transport';

const ROOT = 'jupyter_autocoder';

/** What the server says it left undone, in the words of its error. */
export class ServerRefusal extends Error {
  constructor(
    readonly status: number,
    what: string,
    readonly why = '',
    readonly advice = ''
  ) {
    super(what);
  }

  /** The whole story on a few lines. */
  get story(): string {
    return [this.message, this.why, this.advice].filter(part => part).join('\n');
  }
}

export interface Budget {
  remaining: string;
  model: string;
  keep_deleted: boolean;
  commands: Record<string, string>;
}

/** One variable of a notebook; `text` is what a model would be shown of it. */
export interface Variable {
  name: string;
  type: string;
  summary: string;
  text: string;
}

/** The variables of a notebook; `rows` of their values are shown as well, by a setting that is off unless set. */
export interface Variables {
  rows: number;
  variables: Variable[];
}

export class Api {
  constructor(private readonly _settings: ServerConnection.ISettings) {}

  /** Open the socket of this tab. */
  socket(): Socket {
    const { wsUrl, token, appendToken } = this._settings;
    const query = appendToken && token ? `?token=${encodeURIComponent(token)}` : '';
    return new this._settings.WebSocket(URLExt.join(wsUrl, ROOT, 'socket') + query);
  }

  async conversations(options: { notebook?: string; query?: string } = {}): Promise<Conversation[]> {
    const query = URLExt.objectToQueryString({ ...options });
    const found = await this._json<{ conversations: Conversation[] }>('GET', `conversations${query}`);
    return found.conversations;
  }

  begin(notebook: string): Promise<Conversation> {
    return this._json('POST', 'conversations', { notebook });
  }

  /** Let the conversations about a notebook, or a folder of them, follow it; nowhere (empty) when it was deleted. */
  async move(notebook: string, to: string): Promise<void> {
    await this._json('PATCH', 'conversations', { notebook, to });
  }

  rename(id: string, title: string): Promise<Conversation> {
    return this._json('PATCH', `conversations/${id}`, { title });
  }

  /** Delete a conversation; `gone` is false when the administrator's retention keeps a hidden copy. */
  remove(id: string): Promise<{ gone: boolean }> {
    return this._json('DELETE', `conversations/${id}`);
  }

  async export(id: string, format: 'markdown' | 'notebook'): Promise<Blob> {
    const response = await this._fetch('GET', `conversations/${id}/export?format=${format}`);
    return response.blob();
  }

  async tokens(texts: string[]): Promise<number[]> {
    return (await this._json<{ tokens: number[] }>('POST', 'tokens', { texts })).tokens;
  }

  variables(notebook: string): Promise<Variables> {
    return this._json('GET', `variables${URLExt.objectToQueryString({ notebook })}`);
  }

  budget(): Promise<Budget> {
    return this._json('GET', 'budget');
  }

  /** Any other verb of the extension. */
  request<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this._json(method, path, body);
  }

  private async _json<T>(method: string, path: string, body?: unknown): Promise<T> {
    return (await (await this._fetch(method, path, body)).json()) as T;
  }

  private async _fetch(method: string, path: string, body?: unknown): Promise<Response> {
    const url = `${URLExt.join(this._settings.baseUrl, ROOT)}/${path}`;
    const init: RequestInit = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this._settings);
    } catch {
      throw new ServerRefusal(0, 'The server cannot be reached.', '', 'Check that it runs, then try again.');
    }
    if (!response.ok) {
      throw await refusal(response);
    }
    return response;
  }
}

async function refusal(response: Response): Promise<ServerRefusal> {
  try {
    const told = (await response.json()) as { message?: string; why?: string; do?: string };
    return new ServerRefusal(response.status, told.message ?? response.statusText, told.why, told.do);
  } catch {
    return new ServerRefusal(
      response.status,
      `The server answered ${response.status} ${response.statusText}.`
    );
  }
}
