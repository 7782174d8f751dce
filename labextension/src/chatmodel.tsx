/*
 * The one file that knows `@jupyter/chat`: its list, its input, its typing indicator. Each message is handed to it as a
 * bundle of our own MIME type, and the only renderer it is given is ours, so none of JupyterLab's renderers (which would
 * fetch a remote image) ever sees what a model wrote.
 */

import {
  AbstractChatContext,
  AbstractChatModel,
  ChatCommandRegistry,
  ChatWidget,
  InputToolbarRegistry,
  type ChatCommand,
  type IChatCommandProvider,
  type IChatContext,
  type IInputModel,
  type INewMessage,
  type IUser
} from '@jupyter/chat';
import type { IThemeManager } from '@jupyterlab/apputils';
import { RenderMimeRegistry, type IRenderMime } from '@jupyterlab/rendermime';
import { stopIcon } from '@jupyterlab/ui-components';
import { Signal, type ISignal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

import { MessageView, type MessageHost } from './components/message';
import { keepFocus } from './focus';
import type { Message } from './protocol';
import type { Change, ConversationState } from './state';

/** How many messages are drawn at first, and how many more at a time: the library draws its whole list anew each time. */
const WINDOW = 20;
const MIME = 'application/vnd.jupyter-autocoder.message+json';

export interface ChatOptions {
  host: MessageHost;
  /** Sends what the person wrote; false when it was not taken, and then the text stays in the input. */
  send: (text: string) => Promise<boolean>;
  stop: () => void;
  commands: () => Record<string, string>;
  sendWithShiftEnter: boolean;
  labels: { you: string; assistant: string; note: string; stop: string };
}

class Context extends AbstractChatContext {
  get users(): IUser[] {
    return [];
  }
}

export class ChatModel extends AbstractChatModel {
  constructor(private readonly _options: ChatOptions) {
    super({
      config: {
        sendWithShiftEnter: _options.sendWithShiftEnter,
        stackMessages: false,
        unreadNotifications: false
      }
    });
    this._users = {
      person: { username: 'person', display_name: _options.labels.you },
      model: { username: 'model', display_name: _options.labels.assistant, initials: 'AI', bot: true },
      note: { username: 'note', display_name: _options.labels.note, initials: 'i', bot: true }
    };
    this.registry = new RenderMimeRegistry({ initialFactories: [this._factory()] });
    // Nothing is ever unread in a list that is only shown while it is looked at.
    this.lastRead = Number.MAX_VALUE;
    this.setReady();
  }

  /** The only renderers the message list has. */
  readonly registry: RenderMimeRegistry;

  get user(): IUser {
    return this._users.person;
  }

  get options(): ChatOptions {
    return this._options;
  }

  override async sendMessage(message: INewMessage): Promise<boolean> {
    const text = message.body;
    if (!text.trim()) {
      return false;
    }
    const taken = await this._options.send(text);
    if (!taken && !this.input.value) {
      this.input.value = text;
    }
    return taken;
  }

  override createChatContext(): IChatContext {
    return new Context({ model: this });
  }

  /** Whether there is something to stop. */
  get busy(): boolean {
    return this._busy;
  }

  get busyChanged(): ISignal<this, boolean> {
    return this._busyChanged;
  }

  /** Show a conversation from now on. */
  show(state: ConversationState): void {
    this._state?.changed.disconnect(this._changed, this);
    this._state = state;
    state.changed.connect(this._changed, this);
    this._changed(state, { kind: 'reset' });
  }

  /** Where a message stands on the screen. */
  node(id: string): HTMLElement | null {
    return this._views.get(id)?.node ?? null;
  }

  /** How many earlier messages are not drawn. */
  get hidden(): number {
    return (this._state?.messages.length ?? 0) - this.messages.length;
  }

  /** Draw more of the earlier messages. */
  showEarlier(): void {
    const all = this._state?.messages ?? [];
    const end = this.hidden;
    const begin = Math.max(0, end - WINDOW);
    this.messagesInserted(
      0,
      all.slice(begin, end).map(message => this._content(message))
    );
  }

  override dispose(): void {
    this._state?.changed.disconnect(this._changed, this);
    this._views.forEach(view => view.dispose());
    this._views.clear();
    super.dispose();
  }

  private _changed(state: ConversationState, change: Change): void {
    if (change.kind === 'reset') {
      this._reset(state.messages);
    } else if (change.kind === 'added') {
      if (change.message.role === 'person') {
        this._letGo();
      }
      this.messagesInserted(this.messages.length, [this._content(change.message)]);
    } else if (change.kind === 'changed') {
      this._views.get(change.message.id)?.update(change.message);
    } else if (change.kind === 'doing') {
      this._views.get(change.message.id)?.refreshDoing();
    }
    this.updateWriters(state.writing ? [{ user: this._users.model }] : []);
    if (this._busy !== state.busy) {
      this._busy = state.busy;
      this._busyChanged.emit(state.busy);
    }
  }

  /** Show a whole conversation; messages that are on the screen already keep their place and their focus. */
  private _reset(messages: readonly Message[]): void {
    const shown = messages.slice(-Math.max(WINDOW, this.messages.length));
    const same =
      shown.length === this.messages.length &&
      shown.every((message, i) => message.id === this.messages[i].id);
    if (same) {
      shown.forEach(message => this._views.get(message.id)?.update(message));
      return;
    }
    this._views.forEach(view => view.dispose());
    this._views.clear();
    this.clearMessages();
    if (messages.length) {
      this.messagesInserted(
        0,
        messages.slice(-WINDOW).map(message => this._content(message))
      );
    }
  }

  /** Draw the oldest messages no longer, when many were added: the person is at the end of the list now. */
  private _letGo(): void {
    const many = this.messages.length - WINDOW;
    if (many >= WINDOW) {
      for (const { id } of this.messages.slice(0, many)) {
        this._views.get(id)?.dispose();
        this._views.delete(id);
      }
      this.messagesDeleted(0, many);
    }
  }

  private _content(message: Message): Parameters<AbstractChatModel['messageAdded']>[0] {
    const data = { [MIME]: { id: message.id } };
    return {
      type: 'msg',
      id: message.id,
      time: message.time,
      sender: this._users[message.role],
      body: { data }
    };
  }

  private _factory(): IRenderMime.IRendererFactory {
    return { safe: true, mimeTypes: [MIME], createRenderer: () => new Renderer(id => this._view(id)) };
  }

  private _view(id: string): MessageView | undefined {
    const message = this._state?.message(id);
    let view = this._views.get(id);
    if (!view && message) {
      view = new MessageView(message, this._options.host);
      this._views.set(id, view);
    }
    return view;
  }

  private readonly _users: Record<Message['role'], IUser>;
  private readonly _views = new Map<string, MessageView>();
  private readonly _busyChanged = new Signal<this, boolean>(this);
  private _busy = false;
  private _state: ConversationState | null = null;
}

class Renderer extends Widget implements IRenderMime.IRenderer {
  constructor(private readonly _find: (id: string) => MessageView | undefined) {
    super();
    // The library puts the node into its list anew whenever it draws that, also when it is there already.
    keepFocus(this.node);
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const view = this._find((model.data[MIME] as { id: string }).id);
    this.node.replaceChildren(...(view ? [view.node] : []));
  }
}

/** Completes the slash commands at the beginning of the input. */
class Commands implements IChatCommandProvider {
  readonly id = 'jupyter-autocoder:commands';

  constructor(private readonly _commands: () => Record<string, string>) {}

  async listCommandCompletions(input: IInputModel): Promise<ChatCommand[]> {
    const word = input.currentWord ?? '';
    if (!word.startsWith('/') || !input.value.startsWith('/') || input.value.includes(' ')) {
      return [];
    }
    return Object.entries(this._commands())
      .map(([name, description]) => ({
        name: `/${name}`,
        providerId: this.id,
        description,
        spaceOnAccept: true
      }))
      .filter(command => command.name.startsWith(word));
  }

  async onSubmit(): Promise<void> {
    return undefined;
  }
}

/** The button that stops, beside the one that sends; it is there only while something runs. */
function StopButton(props: InputToolbarRegistry.IToolbarItemProps): JSX.Element {
  const chat = props.chatModel as ChatModel;
  const [busy, setBusy] = React.useState(chat.busy);
  const shown = React.useRef<HTMLButtonElement>(null);
  React.useEffect(() => {
    const look = (): void => {
      if (!chat.busy && shown.current && shown.current === document.activeElement) {
        chat.input.focus();
      }
      setBusy(chat.busy);
    };
    look();
    chat.busyChanged.connect(look);
    return () => {
      chat.busyChanged.disconnect(look);
    };
  }, [chat]);
  if (!busy) {
    return <></>;
  }
  const label = chat.options.labels.stop;
  return (
    <button
      ref={shown}
      type="button"
      className="jp-ac-button jp-ac-stop"
      title={label}
      aria-label={label}
      onClick={chat.options.stop}
    >
      <stopIcon.react tag="span" height="16px" width="16px" aria-hidden="true" />
      <span>{label}</span>
    </button>
  );
}

/** Build the list and the input of one conversation. */
export function chatWidget(model: ChatModel, themeManager: IThemeManager | null): ChatWidget {
  const commands = new ChatCommandRegistry();
  commands.addProvider(new Commands(model.options.commands));
  const toolbar = InputToolbarRegistry.defaultToolbarRegistry();
  toolbar.hide('attach');
  toolbar.addItem('stop', { element: StopButton, position: 90 });
  const widget = new ChatWidget({
    model,
    rmRegistry: model.registry,
    chatCommandRegistry: commands,
    inputToolbarRegistry: toolbar,
    themeManager,
    area: 'sidebar'
  });
  widget.node.addEventListener('keydown', event => completeCommand(event, model), true);
  return widget;
}

/**
 * Complete a half-typed command by Enter or Tab, and send a whole one by Enter. The library's own list would throw away
 * what was typed unless an arrow key had been used first; it also sends while an input method is still composing.
 */
function completeCommand(event: KeyboardEvent, model: ChatModel): void {
  if (event.isComposing) {
    event.stopPropagation();
    return;
  }
  const typed = model.input.value;
  const matches = Object.keys(model.options.commands()).filter(name => `/${name}`.startsWith(typed));
  const plainKey = !event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey;
  if (!plainKey || !['Enter', 'Tab'].includes(event.key) || !typed.startsWith('/') || !matches.length) {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  const active = (event.target as HTMLElement).getAttribute('aria-activedescendant');
  const shown =
    active && document.getElementById(active)?.querySelector('.jp-chat-command-name')?.textContent;
  const chosen = shown || `/${matches[0]}`;
  if (event.key === 'Enter' && chosen === typed) {
    model.input.send(typed);
  } else {
    model.input.value = `${chosen} `;
    model.input.cursorIndex = model.input.value.length;
  }
}
