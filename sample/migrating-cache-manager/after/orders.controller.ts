import { Body, Controller, Get, Headers, Post } from '@nestjs/common';
import { Cacheable, CacheEvict } from 'nest-query-cache';
import { customerOf } from '../shop/customer.js';
import { type Order, Shop } from '../shop/shop.js';

@Controller('orders')
export class OrdersController {
  constructor(private readonly shop: Shop) {}

  /** One entry for each customer. */
  @Get()
  @Cacheable({
    tags: ['orders'],
    http: { principal: ({ headers }) => customerOf(headers.authorization) },
  })
  async mine(@Headers('authorization') authorization: string): Promise<Order[]> {
    return this.shop.orders(customerOf(authorization));
  }

  /** Whoever wrote this forgot that the answer depends on who asks: it goes past the cache. */
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
