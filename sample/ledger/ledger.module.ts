import {
  Module,
  type DynamicModule,
  type MiddlewareConsumer,
  type NestModule,
} from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { CacheModule, MemoryBackend } from 'nest-query-cache';
import { RedisBackend } from 'nest-query-cache/redis';
import { ImportEntriesHandler } from './commands/import-entries.js';
import { OpenAccountHandler } from './commands/open-account.js';
import { PostEntryHandler } from './commands/post-entry.js';
import type { LedgerConfig } from './config.js';
import { DatabaseModule } from './database/database.module.js';
import type { Database } from './database/database.js';
import { LedgerGraphQLModule } from './graphql/graphql.module.js';
import { CacheController } from './http/cache.controller.js';
import { CommandsController } from './http/commands.controller.js';
import { QueriesController } from './http/queries.controller.js';
import { StatementsController } from './http/statements.controller.js';
import { TenantContext } from './http/tenant-context.js';
import { AccountBalancesHandler } from './queries/account-balances.js';
import { FindAccountHandler } from './queries/find-account.js';
import { FindTenantHandler } from './queries/find-tenant.js';
import { INVALIDATIONS } from './queries/invalidations.js';
import { ListEntriesHandler } from './queries/list-entries.js';
import { MonthlyReportHandler } from './queries/monthly-report.js';

@Module({
  imports: [CqrsModule.forRoot(), LedgerGraphQLModule],
  controllers: [QueriesController, CommandsController, StatementsController, CacheController],
  providers: [
    FindTenantHandler,
    FindAccountHandler,
    ListEntriesHandler,
    AccountBalancesHandler,
    MonthlyReportHandler,
    OpenAccountHandler,
    PostEntryHandler,
    ImportEntriesHandler,
  ],
})
export class LedgerModule implements NestModule {
  constructor(private readonly tenant: TenantContext) {}

  static forRoot(config: LedgerConfig, database: Database): DynamicModule {
    const tenant = new TenantContext();
    const { redisUrl, redisTimeout } = config;
    const cache = CacheModule.forRoot({
      backend:
        redisUrl === undefined
          ? new MemoryBackend({ maxBytes: '64mb' })
          : new RedisBackend({ url: redisUrl, commandTimeout: redisTimeout }),
      backendTimeout: redisTimeout,
      l1: redisUrl !== undefined && config.l1,
      namespace: config.namespace,
      // A key without a tenant is a mistake, never an entry that all tenants share.
      tenancy: 'required',
      tenant: tenant.current,
      invalidations: INVALIDATIONS,
    });
    return {
      module: LedgerModule,
      imports: [DatabaseModule.forRoot(database), cache],
      providers: [{ provide: TenantContext, useValue: tenant }],
    };
  }

  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(this.tenant.middleware).forRoutes('tenants/:tenant/{*rest}', 'graphql');
  }
}
