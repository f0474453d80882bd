import { BadRequestException } from '@nestjs/common';
import { Scalar, type CustomScalar } from '@nestjs/graphql';

/** As a string, because a JSON number is not exact above 2^53. */
@Scalar('BigInt', () => BigInt)
export class BigIntScalar implements CustomScalar<string, bigint> {
  readonly description = 'A whole number of up to 18 digits, as text.';

  serialize(value: unknown): string {
    if (typeof value === 'bigint') return value.toString();
    throw new Error('Only a bigint can be an answer of the type BigInt.');
  }

  parseValue(value: unknown): bigint {
    if (typeof value === 'string' && /^-?\d{1,18}$/.test(value)) return BigInt(value);
    throw new BadRequestException(
      'A BigInt is a whole number of up to 18 digits, written as text.',
    );
  }

  parseLiteral(literal: object): bigint {
    return this.parseValue(
      'value' in literal && 'kind' in literal && literal.kind === 'StringValue'
        ? literal.value
        : undefined,
    );
  }
}
