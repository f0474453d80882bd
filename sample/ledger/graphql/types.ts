import { Field, InputType, Int, ObjectType } from '@nestjs/graphql';
import type { NewEntry } from '../commands/insert-entries.js';
import type {
  AccountBalance,
  AccountMonth,
  Entry,
  EntryPage,
  MonthlyReport,
} from '../domain/types.js';

// The part of the domain that GraphQL exposes. The classes exist for their decorators: handlers
// return the objects of the domain.

@ObjectType('Account')
export class AccountType implements AccountBalance {
  @Field(() => String) readonly number!: string;
  @Field(() => String) readonly name!: string;
  @Field(() => BigInt) readonly balanceCents!: bigint;
  @Field(() => Date, { nullable: true }) readonly lastBookedAt!: Date | null;
}

@ObjectType('Entry')
export class EntryType implements Entry {
  @Field(() => BigInt) readonly id!: bigint;
  @Field(() => String) readonly account!: string;
  @Field(() => BigInt) readonly amountCents!: bigint;
  @Field(() => Date) readonly bookedAt!: Date;
  @Field(() => String) readonly memo!: string;
}

@ObjectType('EntryPage')
export class EntryPageType implements EntryPage {
  @Field(() => Int) readonly page!: number;
  @Field(() => Int) readonly size!: number;
  @Field(() => Int) readonly total!: number;
  @Field(() => [EntryType]) readonly entries!: readonly EntryType[];
}

@ObjectType('Turnover')
export class TurnoverType {
  @Field(() => BigInt) readonly creditCents!: bigint;
  @Field(() => BigInt) readonly debitCents!: bigint;
  @Field(() => Int) readonly entries!: number;
}

@ObjectType('AccountMonth')
export class AccountMonthType implements Omit<AccountMonth, 'lastBookedAt'> {
  @Field(() => String) readonly number!: string;
  @Field(() => String) readonly name!: string;
  @Field(() => BigInt) readonly openingCents!: bigint;
  @Field(() => BigInt) readonly creditCents!: bigint;
  @Field(() => BigInt) readonly debitCents!: bigint;
  @Field(() => BigInt) readonly closingCents!: bigint;
  @Field(() => BigInt, { nullable: true }) readonly medianCents!: bigint | null;
  @Field(() => Int) readonly entries!: number;
}

@ObjectType('MonthlyReport')
export class MonthlyReportType implements Omit<MonthlyReport, 'accounts'> {
  @Field(() => String) readonly month!: string;
  @Field(() => BigInt) readonly openingCents!: bigint;
  @Field(() => BigInt) readonly closingCents!: bigint;
  @Field(() => Int) readonly entries!: number;
  @Field(() => [AccountMonthType]) readonly accounts!: readonly AccountMonthType[];
  @Field(() => Date) readonly createdAt!: Date;
}

@InputType('NewEntry')
export class NewEntryInput implements NewEntry {
  @Field(() => String) readonly account!: string;
  @Field(() => BigInt) readonly amountCents!: bigint;
  @Field(() => String, { defaultValue: '' }) readonly memo!: string;
  @Field(() => Date, { nullable: true, description: 'Default: now.' }) readonly bookedAt?: Date;
}
