/*
 * One run of code under a message: its state, its outputs as they come, and why it was refused or failed.
 */

import type { TranslationBundle } from '@jupyterlab/translation';

import { el } from '../dom';
import { drawOutput, type RawOutput } from '../outputs';
import type { Execution, Finding } from '../protocol';
import { executionTitle, sentence } from '../words';

const DRAW = 100;

export class ExecutionView {
  readonly node = el('section', { class: 'jp-ac-run' });

  constructor(
    private _execution: Execution,
    private readonly _trans: TranslationBundle
  ) {
    this.node.setAttribute('aria-label', _trans.__('Result of running the code'));
    this.node.append(this._title, this._outputs, this._remarks);
    this._draw();
  }

  /** Show a newer state; outputs are drawn at most every DRAW milliseconds. */
  update(execution: Execution): void {
    const ended = execution.state !== this._execution.state;
    this._execution = execution;
    if (ended) {
      clearTimeout(this._timer);
      this._timer = undefined;
      this._draw();
    } else if (this._timer === undefined) {
      this._timer = setTimeout(() => {
        this._timer = undefined;
        this._draw();
      }, DRAW);
    }
  }

  private _draw(): void {
    const execution = this._execution;
    this.node.dataset.state = execution.state;
    this._title.textContent = executionTitle(execution, this._trans);
    this._drawOutputs(execution.outputs);
    const problem = execution.outputs.some(output => output.output_type === 'error')
      ? null
      : execution.problem;
    this._remarks.replaceChildren(
      ...(problem ? [el('p', { class: 'jp-ac-problem-what', text: sentence(problem.what) })] : []),
      ...[problem?.why, problem?.do].flatMap(said => (said ? [el('p', { text: sentence(said) })] : [])),
      ...(execution.findings.length ? [this._findings(execution.findings)] : []),
      ...execution.notes.map(note => el('p', { class: 'jp-ac-note', text: note })),
      ...(execution.state === 'done' && !execution.outputs.length
        ? [el('p', { class: 'jp-ac-note', text: this._trans.__('No output.') })]
        : [])
    );
  }

  private _drawOutputs(outputs: readonly RawOutput[]): void {
    const texts = outputs.map(output => JSON.stringify(output));
    outputs.forEach((output, index) => {
      if (this._drawn[index] !== texts[index]) {
        const node = drawOutput(output, this._trans);
        const old = this._outputs.children[index];
        if (old) {
          old.replaceWith(node);
        } else {
          this._outputs.append(node);
        }
      }
    });
    while (this._outputs.children.length > outputs.length) {
      this._outputs.lastElementChild?.remove();
    }
    this._drawn = texts;
  }

  private _findings(findings: readonly Finding[]): HTMLElement {
    return el(
      'ul',
      { class: 'jp-ac-findings' },
      ...findings.map(finding =>
        el(
          'li',
          {},
          el('strong', { text: this._trans.__('Line %1: ', finding.line) }),
          `${finding.message} `,
          el('em', { text: finding.fix })
        )
      )
    );
  }

  private readonly _title = el('div', { class: 'jp-ac-run-title' });
  private readonly _outputs = el('div', { class: 'jp-ac-outputs' });
  private readonly _remarks = el('div');
  private _drawn: string[] = [];
  private _timer: ReturnType<typeof setTimeout> | undefined;
}
