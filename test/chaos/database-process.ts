import { createServer } from 'node:net';

/*
 * The database of the process runs: a version for each row. `id R row lagMs` answers the version
 * that was current so many milliseconds ago (a lagging replica); `id W row,row,...` raises
 * versions, all at one moment, and answers them.
 */
const KEPT_MS = 5_000;
const versions = new Map<string, { at: number; version: number }[]>();

function read(row: string, lagMs: number): number {
  const history = versions.get(row);
  if (history === undefined) return 0;
  const asOf = performance.now() - lagMs;
  for (let i = history.length - 1; i >= 0; i--) {
    const step = history[i];
    if (step !== undefined && (step.at <= asOf || i === 0))
      return step.at <= asOf ? step.version : step.version - 1;
  }
  return 0;
}

function write(row: string): number {
  let history = versions.get(row);
  if (history === undefined) versions.set(row, (history = []));
  const version = (history.at(-1)?.version ?? 0) + 1;
  const now = performance.now();
  history.push({ at: now, version });
  while ((history[1]?.at ?? Infinity) < now - KEPT_MS) history.shift();
  return version;
}

const server = createServer((socket) => {
  socket.setNoDelay(true);
  socket.on('error', () => undefined);
  let rest = '';
  socket.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    let answer = '';
    for (const line of lines) {
      const [id = '', command = '', rows = '', lag = '0'] = line.split(' ');
      const result =
        command === 'W' ? rows.split(',').map(write).join(',') : String(read(rows, Number(lag)));
      answer += `${id} ${result}\n`;
    }
    socket.write(answer);
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' && address !== null ? address.port : 0);
});
// Ends with its parent.
process.on('disconnect', () => process.exit(0));
