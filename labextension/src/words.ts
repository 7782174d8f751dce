/*
 * Numbers and states in words, translated.
 */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { Execution, Footer } from './protocol';

/** Money in micro-USD as a person reads it; small sums keep their first digits. */
export function money(micro: number): string {
  const dollars = micro / 1e6;
  if (dollars === 0) {
    return '$0';
  }
  return dollars >= 0.995 ? `$${dollars.toFixed(2)}` : `$${dollars.toPrecision(2)}`.replace(/e-\d+$/, '');
}

/** A count of tokens, short. */
export function tokens(count: number, trans: TranslationBundle): string {
  const short = count < 1000 ? String(count) : `${(count / 1000).toFixed(count < 10_000 ? 1 : 0)}k`;
  return trans.__('%1 tokens', short);
}

/** The quiet line under an answer: model, tokens, cost, time, what is left. */
export function footerParts(footer: Footer, trans: TranslationBundle): string[] {
  const about = footer.estimated ? '≈ ' : '';
  const cost = footer.cost === null ? trans.__('cost unknown') : about + money(footer.cost);
  return [
    footer.model,
    about + trans.__('%1 in, %2 out', footer.input_tokens, footer.output_tokens),
    cost,
    trans.__('%1 s', footer.seconds.toFixed(1)),
    footer.remaining
  ].filter(part => part);
}

/** A text that is typed into a terminal as it stands. */
const COMMAND = /^(?:chmod|jupyter|pip) /;

/** Make a sentence of an error's fragment, as the server's errors have them; a whole sentence stays as it is. */
export function sentence(fragment: string): string {
  if (COMMAND.test(fragment) || !/^[a-z]+[\s,’']/.test(fragment)) {
    return fragment;
  }
  const begun = fragment[0].toUpperCase() + fragment.slice(1);
  return /[\p{L}\p{N})\]'"’”`%]$/u.test(begun) ? `${begun}.` : begun;
}

/** What became of a run. */
export function executionTitle(execution: Execution, trans: TranslationBundle): string {
  switch (execution.state) {
    case 'waiting':
      return trans.__('Checking the code…');
    case 'running':
      return trans.__('Running in %1…', execution.where);
    case 'done':
      return trans.__('Ran in %1, %2 s', execution.where, execution.seconds.toFixed(2));
    case 'failed':
      return trans.__('Failed in the sandbox');
    case 'refused':
      return trans.__('Not run: the checker refused this code');
    case 'stopped':
      return trans.__('Stopped');
  }
}
