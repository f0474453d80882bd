import { Body, Controller, Get, Headers, Post } from '@nestjs/common';
import { Cacheable, CacheEvict } from 'nest-query-cache';
import { customerOf } from '../shop/customer.js';
import { type Order, Shop } from '../shop/shop.js';

@Controller('orders')
export class OrdersController {
  constructor(private readonly shop: Shop) {}

  /** One entry per customer. */
  @Get()
  @Cacheable({
    tags: ['orders'],
    http: { principal: ({ headers }) => customerOf(headers.authorization) },
  })
  async mine(@Headers('authorization') authorization: string): Promise<Order[]> {
    return this.shop.orders(customerOf(authorization));
  }

  /** The author of this route forgot that the answer depends on the user: it bypasses the cache. */
  @Get('count')
  @Cacheable()
  async count(@Headers('authorization') authorization: string): Promise<{ orders: number }> {
    return { orders: (await this.shop.orders(customerOf(authorization))).length };
  }

  @Post()
  @CacheEvict({ tags: ['orders'] })
  async order(
    @Headers('authorization') authorization: string,
    @Body() { product }: { product: string },
  ): Promise<Order> {
    const order = { customer: customerOf(authorization), product };
    this.shop.order(order);
    return order;
  }
}
