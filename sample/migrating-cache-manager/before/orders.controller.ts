import {
  Body,
  Controller,
  type ExecutionContext,
  Get,
  Headers,
  Inject,
  Injectable,
  Post,
  UseInterceptors,
} from '@nestjs/common';
import { CACHE_MANAGER, CacheInterceptor } from '@nestjs/cache-manager';
import type { Cache } from 'cache-manager';
import type { Request } from '../shop/http.js';
import { customerOf } from '../shop/customer.js';
import { type Order, Shop } from '../shop/shop.js';

/** One entry per customer: with the URL alone as the key, Bob would get Ann's orders. */
@Injectable()
class PerCustomer extends CacheInterceptor {
  protected override trackBy(context: ExecutionContext): string | undefined {
    const { method, headers } = context.switchToHttp().getRequest<Request>();
    return method === 'GET' ? `orders:${customerOf(headers.authorization)}` : undefined;
  }
}

@Controller('orders')
export class OrdersController {
  constructor(
    private readonly shop: Shop,
    @Inject(CACHE_MANAGER) private readonly cache: Cache,
  ) {}

  @Get()
  @UseInterceptors(PerCustomer)
  async mine(@Headers('authorization') authorization: string): Promise<Order[]> {
    return this.shop.orders(customerOf(authorization));
  }

  /** The author of this route forgot that the answer depends on the user. */
  @Get('count')
  @UseInterceptors(CacheInterceptor)
  async count(@Headers('authorization') authorization: string): Promise<{ orders: number }> {
    return { orders: (await this.shop.orders(customerOf(authorization))).length };
  }

  @Post()
  async order(
    @Headers('authorization') authorization: string,
    @Body() { product }: { product: string },
  ): Promise<Order> {
    const order = { customer: customerOf(authorization), product };
    this.shop.order(order);
    await this.cache.del(`orders:${order.customer}`);
    return order;
  }
}
