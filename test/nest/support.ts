import { ConsoleLogger, Logger, type LoggerService, type ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { CacheModule } from '../../lib/nest/module/cache.module.js';
import type { CacheModuleOptions } from '../../lib/nest/module/options.js';

/** What was logged, as `level: message`; nothing reaches the console. */
export class Log implements LoggerService {
  readonly lines: string[] = [];
  log = (): void => undefined;
  warn = (message: unknown): void => void this.lines.push(`warn: ${String(message)}`);
  error = (message: unknown): void => void this.lines.push(`error: ${String(message)}`);

  about(text: string): string[] {
    return this.lines.filter((line) => line.includes(text));
  }
}

/** Catches what is logged without an application while `task` runs. */
export async function logged(task: () => unknown): Promise<string[]> {
  const log = new Log();
  Logger.overrideLogger(log);
  try {
    await task();
  } finally {
    Logger.overrideLogger(new ConsoleLogger());
  }
  return log.lines;
}

export interface TestApp {
  readonly app: TestingModule;
  readonly log: Log;
}

/** A started application without a port. @param cache false: without a CacheModule */
export async function start(
  metadata: ModuleMetadata,
  cache: CacheModuleOptions | false = {},
): Promise<TestApp> {
  const log = new Log();
  const module = cache === false ? [] : [CacheModule.forRoot({ jitter: 0, ...cache })];
  const app = await Test.createTestingModule({
    ...metadata,
    imports: [...module, ...(metadata.imports ?? [])],
  })
    .setLogger(log)
    .compile();
  await app.init();
  return { app, log };
}

/** Starts an application, uses it, and closes it whatever happens. */
export async function using(
  metadata: ModuleMetadata,
  task: (started: TestApp) => Promise<void>,
  cache?: CacheModuleOptions | false,
): Promise<void> {
  const started = await start(metadata, cache);
  try {
    await task(started);
  } finally {
    await started.app.close();
  }
}
