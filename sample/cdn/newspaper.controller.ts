import { Body, Controller, Get, HttpCode, NotFoundException, Param, Put } from '@nestjs/common';
import { Cacheable } from 'nest-query-cache';
import type { HttpCacheOptions } from 'nest-query-cache/http';
import { type Article, Newspaper, tagsOf } from './newspaper.js';

/**
 * Browsers revalidate after a minute; the CDN keeps an article for a day, because a purge removes
 * it at once.
 */
const PUBLIC: HttpCacheOptions = {
  cacheControl: 'public',
  cdn: { maxAge: '1d', tags: 'surrogate-key' },
};

@Controller()
export class NewspaperController {
  constructor(private readonly newspaper: Newspaper) {}

  @Get('articles/:id')
  @Cacheable({ ttl: '1m', http: PUBLIC, resultTags: (article) => tagsOf(article) })
  async article(@Param('id') id: string): Promise<Article> {
    const article = await this.newspaper.find(id);
    if (article === null) throw new NotFoundException(`There is no article ${id}.`);
    return article;
  }

  @Get('sections/:section')
  @Cacheable({ ttl: '1m', http: PUBLIC, tags: (section) => [`section:${section}`] })
  async section(@Param('section') section: string): Promise<Article[]> {
    return this.newspaper.section(section);
  }

  @Put('articles/:id')
  @HttpCode(204)
  async post(
    @Param('id') id: string,
    @Body() { section, title }: Omit<Article, 'id'>,
  ): Promise<void> {
    await this.newspaper.post({ id, section, title });
  }
}
