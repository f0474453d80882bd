import { Inject, Injectable } from '@nestjs/common';
import { CACHE_MANAGER } from '@nestjs/cache-manager';
import type { Cache } from 'cache-manager';
import { type Product, Shop } from '../shop/shop.js';

@Injectable()
export class ProductsService {
  constructor(
    private readonly shop: Shop,
    @Inject(CACHE_MANAGER) private readonly cache: Cache,
  ) {}

  async find(id: string): Promise<Product | null> {
    const cached = await this.cache.get<Product>(`product:${id}`);
    if (cached) return cached;
    const product = await this.shop.find(id);
    await this.cache.set(`product:${id}`, product);
    return product;
  }

  cheapest(): Promise<Product | null> {
    return this.cache.wrap('cheapest', () => this.shop.cheapest(), 10_000);
  }

  async reprice(id: string, cents: number): Promise<void> {
    this.shop.reprice(id, cents);
    await this.cache.mdel([`product:${id}`, 'cheapest']);
  }
}
