/*
 * A file's words, to be shown to the model.
 */

import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

/** Bytes; a bigger file would keep the page busy, and no model reads it whole. */
const LARGEST = 10 * 1024 * 1024;

/** A file that cannot be shown, and what to do about it. */
export class Unreadable extends Error {
  constructor(
    what: string,
    readonly advice: string
  ) {
    super(what);
  }
}

/** Read a file as text; raises Unreadable for what is no text, or too much. */
export async function readText(
  contents: Pick<Contents.IManager, 'get'>,
  path: string,
  trans: TranslationBundle
): Promise<string> {
  const { size } = await told(contents.get(path, { content: false }));
  if ((size ?? 0) > LARGEST) {
    throw new Unreadable(
      trans.__('%1 is too big to attach: %2 MB.', path, Math.round((size ?? 0) / 1024 / 1024)),
      trans.__('Attach a file of at most %1 MB, or a part of it.', LARGEST / 1024 / 1024)
    );
  }
  const noText = new Unreadable(trans.__('%1 is no text.', path), trans.__('Attach a text file in UTF-8.'));
  let content: unknown;
  try {
    ({ content } = await contents.get(path, { type: 'file', format: 'text', content: true }));
  } catch (error) {
    throw isRefusal(error) ? noText : unreadable(error);
  }
  if (typeof content !== 'string' || content.includes('\0')) {
    throw noText;
  }
  return content;
}

async function told<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw unreadable(error);
  }
}

function unreadable(error: unknown): Unreadable {
  return new Unreadable((error as Error).message, '');
}

/** Whether the server found the file, and refused it as text. */
function isRefusal(error: unknown): boolean {
  return (error as { response?: { status: number } }).response?.status === 400;
}
