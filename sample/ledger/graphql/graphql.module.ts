import { ApolloServerPluginCacheControl } from '@apollo/server/plugin/cacheControl';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Module } from '@nestjs/common';
import { GraphQLModule } from '@nestjs/graphql';
import { AccountResolver } from './account.resolver.js';
import { BigIntScalar } from './bigint.scalar.js';
import { CommandsResolver } from './commands.resolver.js';
import { QueriesResolver } from './queries.resolver.js';

/** `POST /graphql`, with the tenant in the header `X-Tenant`. */
@Module({
  imports: [
    GraphQLModule.forRoot<ApolloDriverConfig>({
      driver: ApolloDriver,
      autoSchemaFile: true,
      introspection: true,
      // The landing page would load scripts from the internet.
      graphiql: false,
      // A browser that keeps an answer does not learn of a posting.
      plugins: [ApolloServerPluginCacheControl({ calculateHttpHeaders: false })],
      includeStacktraceInErrorResponses: false,
    }),
  ],
  providers: [BigIntScalar, QueriesResolver, AccountResolver, CommandsResolver],
})
export class LedgerGraphQLModule {}
