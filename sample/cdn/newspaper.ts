import { Injectable } from '@nestjs/common';
import { CacheService } from 'nest-query-cache';
import { surrogateKeys } from 'nest-query-cache/http';
import { SlowDatabase } from '../shared/slow-database.js';

export interface Article {
  readonly id: string;
  readonly section: string;
  readonly title: string;
}

/** Where the CDN accepts purges. */
export class CdnAddress {
  constructor(readonly url: () => Promise<string>) {}
}

/** The tags of an article: the same in the cache, at the CDN, and in the purge. */
export const tagsOf = ({ id, section }: Pick<Article, 'id' | 'section'>): string[] => [
  `article:${id}`,
  `section:${section}`,
];

@Injectable()
export class Newspaper {
  readonly #articles = new Map<string, Article>([
    ['1', { id: '1', section: 'sport', title: 'Home win' }],
    ['2', { id: '2', section: 'sport', title: 'Away defeat' }],
    ['3', { id: '3', section: 'culture', title: 'A new play' }],
  ]);

  constructor(
    private readonly database: SlowDatabase,
    private readonly cache: CacheService,
    private readonly cdn: CdnAddress,
  ) {}

  find(id: string): Promise<Article | null> {
    return this.database.read(() => this.#articles.get(id) ?? null);
  }

  section(name: string): Promise<Article[]> {
    return this.database.read(() =>
      [...this.#articles.values()].filter(({ section }) => section === name),
    );
  }

  /** Resolves when neither this application nor the CDN has an older version. */
  async post(article: Article): Promise<void> {
    this.#articles.set(article.id, article);
    const tags = tagsOf(article);
    // The order matters: a CDN that is purged first fetches the old answer again.
    await this.cache.invalidate({ tags });
    await this.#purge(tags);
  }

  async #purge(tags: readonly string[]): Promise<void> {
    const words = surrogateKeys(tags);
    if (words === undefined)
      throw new Error('More tags than CDNs take in one purge: send several.');
    const { ok, status } = await fetch(await this.cdn.url(), {
      method: 'PURGE',
      headers: { 'surrogate-key': words },
    });
    if (!ok) throw new Error(`The CDN answered a purge with ${status}.`);
  }
}
