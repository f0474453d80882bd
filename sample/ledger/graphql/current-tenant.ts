import { BadRequestException, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { GqlExecutionContext } from '@nestjs/graphql';
import { tenantOf, type TenantRequest } from '../http/tenant-context.js';

/**
 * The tenant of the request. `TenantPipe` makes sure that it exists, so the fields below a query
 * need not check again.
 */
export const CurrentTenant = createParamDecorator(
  (_data: unknown, context: ExecutionContext): string => {
    const { req } = GqlExecutionContext.create(context).getContext<{
      readonly req: TenantRequest;
    }>();
    const tenant = tenantOf(req);
    if (tenant === undefined)
      throw new BadRequestException('Name the tenant in the header X-Tenant.');
    return tenant;
  },
);
