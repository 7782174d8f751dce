import { nullTranslator } from '@jupyterlab/translation';

import { ExecutionView } from '../src/components/execution';
import type { Execution } from '../src/protocol';

const trans = nullTranslator.load('jupyter_autocoder');
const failed: Execution = {
  id: 'x',
  source: '1',
  state: 'failed',
  where: '',
  outputs: [{ output_type: 'stream', name: 'stdout', text: '0\n' }],
  findings: [],
  problem: {
    kind: 'SandboxDied',
    what: 'the connection was lost',
    why: 'the kernel ended',
    do: 'run it again'
  },
  seconds: 0,
  private: false,
  notes: []
};

describe('a run that failed', () => {
  it('says what happened, why, and what to do, below what it gave', () => {
    const view = new ExecutionView(failed, trans);

    const said = view.node.textContent ?? '';

    expect(said).toContain('0\nThe connection was lost.The kernel ended.Run it again.');
  });

  it('does not repeat an error that is among its outputs', () => {
    const error = { output_type: 'error', ename: 'ValueError', evalue: 'no', traceback: ['ValueError: no'] };
    const problem = { kind: 'ValueError', what: 'ValueError: no', why: '', do: '' };
    const view = new ExecutionView({ ...failed, outputs: [error], problem }, trans);

    const said = view.node.textContent ?? '';

    expect(said.match(/ValueError: no/g)).toHaveLength(1);
  });
});
