import { Module } from '@nestjs/common';
import { CacheModule } from 'nest-query-cache';
import { SlowDatabaseModule } from '../../shared/slow-database.js';
import { ShopModule } from '../shop/shop.js';
import { OrdersController } from './orders.controller.js';
import { ProductsController } from './products.controller.js';
import { ProductsService } from './products.service.js';

@Module({
  imports: [CacheModule.forRoot({ ttl: 60_000 }), SlowDatabaseModule, ShopModule],
  controllers: [ProductsController, OrdersController],
  providers: [ProductsService],
})
export class AfterModule {}
