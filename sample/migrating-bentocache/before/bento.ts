import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';

const createBento = () =>
  new BentoCache({
    default: 'main',
    ttl: '10m',
    stores: {
      main: bentostore().useL1Layer(memoryDriver({ maxSize: '10mb' })),
      shelves: bentostore({ ttl: '30s' }).useL1Layer(memoryDriver({ maxItems: 100 })),
    },
  });

export const BENTO = Symbol('BENTO');
export type Bento = ReturnType<typeof createBento>;

@Module({ providers: [{ provide: BENTO, useFactory: createBento }], exports: [BENTO] })
export class BentoModule implements OnApplicationShutdown {
  constructor(@Inject(BENTO) private readonly bento: Bento) {}

  async onApplicationShutdown(): Promise<void> {
    await this.bento.disconnectAll();
  }
}
