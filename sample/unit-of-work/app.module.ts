import { Module } from '@nestjs/common';
import { CacheModule } from 'nest-query-cache';
import { SlowDatabaseModule } from '../shared/slow-database.js';
import { Accounts } from './accounts.js';
import { BankController } from './bank.controller.js';
import { BankModule } from './database.js';
import { Transfer } from './transfer.js';

@Module({
  imports: [CacheModule.forRoot(), BankModule, SlowDatabaseModule],
  controllers: [BankController],
  providers: [Accounts, Transfer],
})
export class AppModule {}
