import { once } from 'node:events';

/** A Nest application, or anything else that listens. */
export interface Server {
  listen(port: number, host: string): Promise<unknown>;
  getUrl(): Promise<string>;
  close(): Promise<void>;
}

/**
 * Starts the servers on free ports, walks through the sample, and ends. With `PORT` it keeps
 * running until Ctrl-C, so that you can continue by hand; several servers take that port and the
 * following ones.
 */
export async function run<Name extends string>(
  servers: Record<Name, Server>,
  walk: (origins: Record<Name, string>) => Promise<void>,
): Promise<void> {
  const first =
    process.env.PORT === undefined || process.env.PORT === ''
      ? undefined
      : Number(process.env.PORT);
  const origins = {} as Record<Name, string>;
  let port = first ?? 0;
  try {
    for (const [name, server] of Object.entries(servers) as [Name, Server][]) {
      await server.listen(port === 0 ? 0 : port++, '127.0.0.1');
      origins[name] = await server.getUrl();
      console.log(`${name} listens on ${origins[name]}`);
    }
    console.log();
    await walk(origins);
    if (first === undefined) return;
    console.log('\nCtrl-C stops it.');
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  } finally {
    await Promise.all(Object.values<Server>(servers).map((server) => server.close()));
  }
}
