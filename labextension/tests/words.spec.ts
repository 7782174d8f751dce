import { problem } from '../src/components/message';
import { sentence } from '../src/words';

describe('a sentence of a fragment', () => {
  it.each([
    ['no kernel runs for a.ipynb', 'No kernel runs for a.ipynb.'],
    ['there is no such ticket', 'There is no such ticket.'],
    ["there is no state 'x' of `y`", "There is no state 'x' of `y`."],
    ['something, which broke?', 'Something, which broke?'],
    ['', '']
  ])('begins with a capital and ends with a stop: %s', (fragment, whole) =>
    expect(sentence(fragment)).toBe(whole)
  );

  it.each([
    'This conversation is still at work.',
    "NameError: name 'x' is not defined",
    'a.ipynb has no kernel',
    'max_output_tokens is 0',
    "pip install 'jupyter-autocoder[postgres]'",
    'chmod 600 /home/me/key'
  ])('leaves alone what is one, a name or a command: %s', text => expect(sentence(text)).toBe(text));
});

describe('a problem', () => {
  it('is shown as sentences', () => {
    const told = { kind: 'NoKey', what: 'there is no key', why: 'none is set', do: 'set one' };

    const shown = Array.from(problem(told).children).map(child => child.textContent);

    expect(shown).toEqual(['There is no key.', 'None is set.', 'Set one.']);
  });
});
