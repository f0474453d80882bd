import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { type Quote, Quotes } from './quotes.js';
import { type Report, Reports } from './reports.js';

@Controller()
export class ExchangeController {
  constructor(
    private readonly quotes: Quotes,
    private readonly reports: Reports,
  ) {}

  @Get('quotes/:symbol')
  quote(@Param('symbol') symbol: string): Promise<Quote> {
    return this.quotes.latest(symbol);
  }

  @Get('reports/:month')
  report(@Param('month') month: string): Promise<Report> {
    return this.reports.monthly(month);
  }

  @Post('reports/:month/corrections')
  @HttpCode(204)
  correct(@Param('month') month: string): Promise<void> {
    return this.reports.correct(month);
  }
}
