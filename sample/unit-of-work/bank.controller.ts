import {
  Body,
  ConflictException,
  Controller,
  Get,
  NotFoundException,
  Param,
  Post,
} from '@nestjs/common';
import { CacheService } from 'nest-query-cache';
import { Accounts } from './accounts.js';
import { Transfer } from './transfer.js';

@Controller()
export class BankController {
  constructor(
    private readonly accounts: Accounts,
    private readonly transfer: Transfer,
    private readonly cache: CacheService,
  ) {}

  @Get('accounts/:name')
  async balance(@Param('name') name: string): Promise<{ cents: number }> {
    const cents = await this.accounts.balance(name);
    if (cents === null) throw new NotFoundException(`There is no account '${name}'.`);
    return { cents };
  }

  @Post('transfers')
  async post(
    @Body() { from, to, cents }: { from: string; to: string; cents: number },
  ): Promise<{ left: number | null }> {
    try {
      return { left: await this.transfer.execute(from, to, cents) };
    } catch (error) {
      if (isOverdrawn(error)) throw new ConflictException(`There is not enough on '${from}'.`);
      throw error;
    }
  }

  @Get('invalidations')
  invalidations(): { invalidations: number } {
    return { invalidations: this.cache.stats().cache_invalidations };
  }
}

const CHECK_VIOLATION = '23514';

/** Drizzle wraps the error of the database. */
function isOverdrawn(error: unknown): boolean {
  const said = error instanceof Error ? error.cause : undefined;
  return said instanceof Error && 'code' in said && said.code === CHECK_VIOLATION;
}
