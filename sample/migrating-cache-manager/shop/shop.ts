import { Injectable, Module } from '@nestjs/common';
import { SlowDatabase } from '../../shared/slow-database.js';

export interface Product {
  readonly id: string;
  readonly category: string;
  readonly name: string;
  readonly cents: number;
}
export interface Order {
  readonly customer: string;
  readonly product: string;
}

/**
 * The queries and commands of the shop. It does not know the cache: both applications use it
 * unchanged.
 */
@Injectable()
export class Shop {
  readonly #orders: Order[] = [{ customer: 'ann', product: 'spade' }];
  readonly #products = new Map<string, Product>(
    [
      { id: 'spade', category: 'garden', name: 'Spade', cents: 2_400 },
      { id: 'rake', category: 'garden', name: 'Rake', cents: 1_900 },
      { id: 'hose', category: 'garden', name: 'Hose', cents: 3_200 },
      { id: 'lamp', category: 'house', name: 'Lamp', cents: 4_500 },
    ].map((product) => [product.id, product]),
  );

  constructor(private readonly database: SlowDatabase) {}

  list(
    category: string,
    page: number,
  ): Promise<{ readonly products: Product[]; readonly total: number }> {
    return this.database.read(() => {
      const all = [...this.#products.values()].filter((product) => product.category === category);
      return { products: all.slice(2 * (page - 1), 2 * page), total: all.length };
    });
  }

  find(id: string): Promise<Product | null> {
    return this.database.read(() => this.#products.get(id) ?? null);
  }

  cheapest(): Promise<Product | null> {
    return this.database.read(
      () => [...this.#products.values()].sort((a, b) => a.cents - b.cents)[0] ?? null,
    );
  }

  orders(customer: string): Promise<Order[]> {
    return this.database.read(() => this.#orders.filter((order) => order.customer === customer));
  }

  reprice(id: string, cents: number): void {
    const product = this.#products.get(id);
    if (product !== undefined) this.#products.set(id, { ...product, cents });
  }

  order(order: Order): void {
    this.#orders.push(order);
  }
}

@Module({ providers: [Shop], exports: [Shop] })
export class ShopModule {}
