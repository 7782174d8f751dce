/*
 * The wire between the server and the sidebar, one JSON object per WebSocket text frame.
 * Written from jupyter_autocoder/server/protocol.py by scripts/write_protocol.py: change it there.
 */

export const PROTOCOL_VERSION = 1;
/** Bytes of a frame; the server closes the socket on more. */
export const MAX_FRAME = 1048576;
/** Characters of a message or of code to run; the server refuses more. */
export const MAX_TEXT = 100000;

/** Something the person chose to show the model; 'text' is exactly what is sent, after redaction. */
export interface Attachment {
  kind: 'notebook' | 'cells' | 'error' | 'variables' | 'file';
  label: string;
  text: string;
  tokens: number;
}

/** A conversation of one person; 'notebook' is the path it is attached to, empty for none. */
export interface Conversation {
  id: string;
  title: string;
  notebook: string;
  created: number;
  changed: number;
}

/** One run of one piece of code under a message; 'outputs' are cleaned nbformat outputs, 'where' names the place. */
export interface Execution {
  id: string;
  source: string;
  state: 'waiting' | 'running' | 'done' | 'failed' | 'refused' | 'stopped';
  where: string;
  outputs: (Record<string, unknown>)[];
  findings: Finding[];
  problem: Problem | null;
  seconds: number;
  notes: string[];
  private: boolean;
}

/** One thing the checker refuses: 'line' counts from 1, 'column' from 0; 'fix' is advice to a model and a person. */
export interface Finding {
  rule: string;
  line: number;
  column: number;
  message: string;
  fix: string;
}

/** The quiet line under an answer; 'cost' in micro-USD, null where the price is unknown; 'remaining' in words. */
export interface Footer {
  model: string;
  input_tokens: number;
  output_tokens: number;
  cost: number | null;
  estimated: boolean;
  seconds: number;
  remaining: string;
  notes: string[];
}

/** One message; 'time' in seconds since 1970, 'ticket' the id of the trade ticket it stands for, if any. */
export interface Message {
  id: string;
  role: 'person' | 'model' | 'note';
  text: string;
  time: number;
  state: 'waiting' | 'writing' | 'done' | 'stopped' | 'failed';
  attachments: Attachment[];
  footer: Footer | null;
  problem: Problem | null;
  executions: Execution[];
  ticket: string;
}

/** An error as a part of the conversation: what happened, why, and what to do; 'kind' is the error's class. */
export interface Problem {
  kind: string;
  what: string;
  why: string;
  do: string;
}

/** Follow a conversation: the answer is its Snapshot, then every change as it happens. */
export interface OpenFrame {
  type: 'open';
  conversation: string;
}

/** Follow a conversation no longer; what runs in it goes on. */
export interface CloseFrame {
  type: 'close';
  conversation: string;
}

/** Say something; 'id' becomes the message's id. */
export interface AskFrame {
  type: 'ask';
  conversation: string;
  id: string;
  text: string;
  attachments: Attachment[];
}

/** Check 'source', a code block of 'message', and run it in the sandbox; 'id' becomes the execution's id. */
export interface ExecuteFrame {
  type: 'execute';
  conversation: string;
  id: string;
  message: string;
  source: string;
}

/** Stop whatever is being answered or run in the conversation, at any moment. */
export interface StopFrame {
  type: 'stop';
  conversation: string;
}

/** The first frame: who the server says you are. */
export interface WelcomeFrame {
  type: 'welcome';
  protocol: number;
  version: string;
  user: string;
}

/** A conversation as it stands at 'seq', the message being written included. */
export interface SnapshotFrame {
  type: 'snapshot';
  conversation: Conversation;
  messages: Message[];
  seq: number;
}

/** A message that is new, or replaces the one with its id. */
export interface PutFrame {
  type: 'put';
  conversation: string;
  seq: number;
  message: Message;
}

/** More text at the end of a message. */
export interface DeltaFrame {
  type: 'delta';
  conversation: string;
  seq: number;
  message: string;
  text: string;
}

/** What is being done for a message, in a sentence; 'seconds' is what is left of a wait. */
export interface StatusFrame {
  type: 'status';
  conversation: string;
  seq: number;
  message: string;
  stage: string;
  text: string;
  seconds: number | null;
}

/** One cleaned output of an execution as it comes; the 'Put' at its end holds them all. */
export interface OutputFrame {
  type: 'output';
  conversation: string;
  seq: number;
  message: string;
  execution: string;
  output: Record<string, unknown>;
}

/** The conversation has another title. */
export interface TitleFrame {
  type: 'title';
  conversation: string;
  seq: number;
  title: string;
}

/** The person's list of conversations changed somewhere: read it anew. */
export interface ListingFrame {
  type: 'listing';
}

/** The conversation was deleted or never was this person's. */
export interface GoneFrame {
  type: 'gone';
  conversation: string;
}

/** A ticket moved, or trading was halted: read the tickets anew. */
export interface TicketsFrame {
  type: 'tickets';
  ticket: string;
}

/** A frame had no effect; 'request' is its id, empty where it has none. */
export interface RefusedFrame {
  type: 'refused';
  conversation: string;
  request: string;
  problem: Problem;
}

export type ClientFrame =
  | OpenFrame
  | CloseFrame
  | AskFrame
  | ExecuteFrame
  | StopFrame;

export type ServerFrame =
  | WelcomeFrame
  | SnapshotFrame
  | PutFrame
  | DeltaFrame
  | StatusFrame
  | OutputFrame
  | TitleFrame
  | ListingFrame
  | GoneFrame
  | TicketsFrame
  | RefusedFrame;

export const SERVER_FRAME_TYPES: ReadonlySet<string> = new Set([
  'welcome',
  'snapshot',
  'put',
  'delta',
  'status',
  'output',
  'title',
  'listing',
  'gone',
  'tickets',
  'refused'
]);
