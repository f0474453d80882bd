import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { Month } from '../domain/month.js';
import { FindTenant } from '../queries/find-tenant.js';

/**
 * Only tenants that exist get further: everybody else gets a 404. Pipes run on every request,
 * cached or not.
 */
@Injectable()
export class TenantPipe implements PipeTransform<string, Promise<string>> {
  constructor(private readonly queries: QueryBus) {}

  async transform(id: string): Promise<string> {
    const tenant = await this.queries.execute(new FindTenant(id));
    return tenant.id;
  }
}

@Injectable()
export class MonthPipe implements PipeTransform<string, Month> {
  transform(text: string): Month {
    const month = Month.parse(text);
    if (month === undefined)
      throw new BadRequestException(`A month is written like 2026-01, not '${text}'.`);
    return month;
  }
}

/**
 * A whole number within bounds, with a default; as text from an address, as a number from GraphQL.
 */
export class IntegerPipe implements PipeTransform<string | number | undefined, number> {
  constructor(
    private readonly name: string,
    private readonly standard: number,
    private readonly most: number,
  ) {}

  transform(text: string | number | undefined): number {
    if (text === undefined) return this.standard;
    const value = Number(text);
    if (Number.isInteger(value) && value >= 1 && value <= this.most) return value;
    throw new BadRequestException(
      `${this.name} must be a whole number from 1 to ${this.most}, not '${text}'.`,
    );
  }
}
