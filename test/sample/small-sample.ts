import { SampleProcess } from './support.js';

/** A small sample on free ports: its walk is over, and it stays until it is stopped. */
export class SmallSample {
  private constructor(
    readonly process: SampleProcess,
    private readonly origins: ReadonlyMap<string, string>,
  ) {}

  static async start(name: string, env: Record<string, string> = {}): Promise<SmallSample> {
    const process = new SampleProcess('sample.mjs', { PORT: '0', ...env }, name);
    await process.says(/Ctrl-C stops it/);
    const listening = process.output.matchAll(/^(\w+) listens on (http:\S+)$/gm);
    return new SmallSample(
      process,
      new Map([...listening].map(([, server = '', origin = '']) => [server, origin])),
    );
  }

  origin(server: string): string {
    const origin = this.origins.get(server);
    if (origin === undefined)
      throw new Error(`'${server}' does not listen:\n${this.process.output}`);
    return origin;
  }

  /** The rows of the table that the walk printed. */
  rows(): string[][] {
    const table = this.process.output.split(/^-[ -]+$/m)[1] ?? '';
    return [...table.matchAll(/^(.*?\S) {2,}(\S.*?) {2,}(\S.*)$/gm)].map((row) => row.slice(1));
  }

  stop(): Promise<void> {
    return this.process.stop();
  }
}
