import {
  Body,
  Controller,
  Get,
  HttpCode,
  NotFoundException,
  Param,
  Put,
  Query,
  Res,
} from '@nestjs/common';
import type { Response } from '../shop/http.js';
import { Cacheable, CacheKey, CacheTTL } from 'nest-query-cache';
import { type Product, Shop } from '../shop/shop.js';
import { ProductsService } from './products.service.js';

@Controller('products')
export class ProductsController {
  constructor(
    private readonly products: ProductsService,
    private readonly shop: Shop,
  ) {}

  @Get()
  @Cacheable({ tags: ['products'] })
  @CacheTTL(30_000)
  async list(
    @Query('category') category: string,
    @Query('page') page: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Product[]> {
    const { products, total } = await this.shop.list(category, Number(page));
    response.setHeader('X-Total-Count', total);
    return products;
  }

  @Get('cheapest')
  @CacheKey('cheapest-page')
  @CacheTTL(1_000)
  async cheapest(): Promise<Product | null> {
    return this.products.cheapest();
  }

  @Get(':id')
  async find(@Param('id') id: string): Promise<Product> {
    const product = await this.products.find(id);
    if (product === null) throw new NotFoundException(`There is no product '${id}'.`);
    return product;
  }

  /** For other programs: 404 with a body of its own. */
  @Get(':id/price')
  @Cacheable({ tags: (id) => [`product:${id}`] })
  async price(
    @Param('id') id: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<{ cents: number | null }> {
    const product = await this.shop.find(id);
    if (product === null) response.status(404);
    return { cents: product?.cents ?? null };
  }

  @Put(':id')
  @HttpCode(204)
  async reprice(@Param('id') id: string, @Body() { cents }: { cents: number }): Promise<void> {
    await this.products.reprice(id, cents);
  }
}
