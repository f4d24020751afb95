import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { Locked } from 'nestjs-redis-lock';
import { PlaceOrderDto } from './place-order.dto.js';
import { ResetSaleDto } from './reset-sale.dto.js';
import type { Order, Sale } from './sale.js';
import { SalesService } from './sales.service.js';
import { SkuPipe } from './sku.pipe.js';

@Controller('sales/:sku')
export class SalesController {
  constructor(private readonly sales: SalesService) {}

  @Get()
  show(@Param('sku', SkuPipe) sku: string): Promise<Sale> {
    return this.sales.find(sku);
  }

  /** One order at a time for each sku. `{0}` is the first argument as its pipe leaves it. */
  @Post('orders')
  @Locked('stock:{0}')
  order(@Param('sku', SkuPipe) sku: string, @Body() order: PlaceOrderDto): Promise<Order> {
    return this.sales.sell(sku, order.buyer);
  }

  /** The twin without the lock: sells more than there is as soon as two orders overlap. */
  @Post('orders/unlocked')
  orderUnlocked(@Param('sku', SkuPipe) sku: string, @Body() order: PlaceOrderDto): Promise<Order> {
    return this.sales.sell(sku, order.buyer);
  }

  @Post('reset')
  @HttpCode(200)
  reset(@Param('sku', SkuPipe) sku: string, @Body() { stock }: ResetSaleDto): Promise<Sale> {
    return this.sales.reset(sku, stock);
  }
}
