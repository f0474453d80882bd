import {
  Controller,
  Get,
  Global,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  Param,
  Put,
  ServiceUnavailableException,
} from '@nestjs/common';

/** What the database does with a query: answer, hold the answer back, or fail. */
const MODES = ['answer', 'hold', 'fail'] as const;
type Mode = (typeof MODES)[number];

export interface DatabaseState {
  /** Requests to the application so far, except those to the routes of the database. */
  readonly requests: number;
  readonly queries: number;
  /** Queries that are being held back. */
  readonly waiting: number;
}

/**
 * Stands for the database of a sample. It counts its queries, and can be told over HTTP to hold its
 * answers back or to fail, so that you can watch what happens during a slow query.
 */
export class SlowDatabase {
  #requests = 0;
  #queries = 0;
  #mode: Mode = 'answer';
  #waiting: (() => void)[] = [];

  /** The rows as they were when the query began, as in a real database. */
  async read<T>(query: () => T | Promise<T>): Promise<T> {
    this.#queries++;
    const rows = structuredClone(await query());
    if (this.#mode === 'hold') await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#mode === 'fail') throw new ServiceUnavailableException('The database is away.');
    return rows;
  }

  set mode(mode: Mode) {
    this.#mode = mode;
    if (mode === 'hold') return;
    for (const resolve of this.#waiting) resolve();
    this.#waiting = [];
  }

  /** Requests to the whole application; most of them should not need a query. */
  countRequest(): void {
    this.#requests++;
  }

  state(): DatabaseState {
    return { requests: this.#requests, queries: this.#queries, waiting: this.#waiting.length };
  }
}

@Controller('database')
class SlowDatabaseController {
  constructor(private readonly database: SlowDatabase) {}

  @Get()
  state(): DatabaseState {
    return this.database.state();
  }

  @Put(':mode')
  set(@Param('mode') mode: Mode): void {
    if (MODES.includes(mode)) this.database.mode = mode;
  }
}

@Global()
@Module({
  controllers: [SlowDatabaseController],
  providers: [SlowDatabase],
  exports: [SlowDatabase],
})
export class SlowDatabaseModule implements NestModule {
  constructor(private readonly database: SlowDatabase) {}

  configure(consumer: MiddlewareConsumer): void {
    const count = (_request: unknown, _response: unknown, next: () => void): void => {
      this.database.countRequest();
      next();
    };
    consumer.apply(count).exclude('database', 'database/{*rest}').forRoutes('{*all}');
  }
}
