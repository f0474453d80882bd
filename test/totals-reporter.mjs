import { writeFileSync } from 'node:fs';

/**
 * Ends a vitest run with one line that a machine can read: `N passed, N failed`. A file that fails
 * to load and an error nobody caught count as failed. With TOTALS_FILE set the totals go there
 * instead, for a caller that prints its own last line.
 */
export default class TotalsReporter {
  onTestRunEnd(modules, unhandled = []) {
    const totals = { passed: 0, failed: unhandled.length, skipped: 0, unhandled: unhandled.length };
    for (const module of modules) {
      totals.failed += module.errors().length > 0 ? 1 : 0;
      for (const suite of module.children.allSuites())
        totals.failed += suite.errors().length > 0 ? 1 : 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        totals[state === 'passed' || state === 'failed' ? state : 'skipped'] += 1;
      }
    }
    const file = process.env.TOTALS_FILE;
    if (file) writeFileSync(file, JSON.stringify(totals));
    else process.on('exit', () => console.log(line(totals)));
  }
}

function line({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
