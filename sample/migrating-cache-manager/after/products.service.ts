import { Injectable } from '@nestjs/common';
import { Cacheable, CacheEvict, CacheService } from 'nest-query-cache';
import { type Product, Shop } from '../shop/shop.js';

@Injectable()
export class ProductsService {
  constructor(
    private readonly shop: Shop,
    private readonly cache: CacheService,
  ) {}

  @Cacheable({ tags: (id) => [`product:${id}`] })
  async find(id: string): Promise<Product | null> {
    return this.shop.find(id);
  }

  cheapest(): Promise<Product | null> {
    return this.cache.getOrSet('cheapest', () => this.shop.cheapest(), {
      ttl: 10_000,
      tags: ['products'],
    });
  }

  /** The tags reach what no list of keys could name: every page of every category. */
  @CacheEvict({ tags: (id) => [`product:${id}`, 'products'] })
  async reprice(id: string, cents: number): Promise<void> {
    this.shop.reprice(id, cents);
  }
}
