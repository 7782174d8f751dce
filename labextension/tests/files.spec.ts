import { nullTranslator } from '@jupyterlab/translation';

import { readText, Unreadable } from '../src/files';

const trans = nullTranslator.load('');

/** A server with one file: its size, and what it answers to being asked for the words. */
function server(size: number | null, words: () => unknown): { get: jest.Mock } {
  return {
    get: jest.fn(async (_path: string, options: { content: boolean }) =>
      options.content ? { size, content: words() } : { size, content: null }
    )
  };
}

describe('reading a file', () => {
  it.each(['', 'a,b\n1,2'])('gives its words: %j', async words => {
    const contents = server(words.length, () => words);

    expect(await readText(contents, 'a.csv', trans)).toBe(words);
  });

  it.each([[null], [undefined], [{}], ['zero \0 byte']])('takes %j for no text', async content => {
    const contents = server(5, () => content);

    await expect(readText(contents, 'a.dat', trans)).rejects.toThrow('a.dat is no text.');
  });

  it('never asks for the words of a file that is too big', async () => {
    const contents = server(500 * 1024 * 1024, () => 'x');

    await expect(readText(contents, 'a.csv', trans)).rejects.toThrow('a.csv is too big to attach: 500 MB.');
    expect(contents.get).toHaveBeenCalledTimes(1);
  });

  it.each([
    [{ response: { status: 400 } }, 'a.csv is no text.'],
    [{ response: { status: 404 } }, 'went wrong'],
    [{}, 'went wrong']
  ])('tells what the server says: %j', async (more, told) => {
    const contents = server(5, () => {
      throw Object.assign(new Error('went wrong'), more);
    });

    const refused = await readText(contents, 'a.csv', trans).catch((error: unknown) => error);

    expect(refused).toBeInstanceOf(Unreadable);
    expect((refused as Unreadable).message).toBe(told);
  });
});
