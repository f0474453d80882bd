import type { VersioningOptions } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { segmentsOf } from './path-pattern.js';

/** What every module of an application has, in all major versions of Nest, for its own use. */
interface Inside {
  readonly container?: {
    readonly applicationConfig?: {
      getGlobalPrefix?(): string;
      getVersioning?(): VersioningOptions | undefined;
    };
  };
}

/** What the application says of all its routes. Known when it has started, and not before. */
export interface RoutingRules {
  readonly versioning: VersioningOptions | undefined;
  /** The most segments that come before the path of a controller. */
  readonly maxPrefix: number;
}

export function routingRules(modules: ModulesContainer): RoutingRules {
  const [first] = modules.values();
  const config = (first as unknown as Inside | undefined)?.container?.applicationConfig;
  if (config?.getGlobalPrefix === undefined) return { versioning: undefined, maxPrefix: Infinity };
  const versioning = config.getVersioning?.();
  const version =
    versioning !== undefined && 'prefix' in versioning
      ? `/${versioning.prefix === false ? '' : (versioning.prefix ?? 'v')}`
      : '/v';
  const versions = versioning === undefined ? 0 : segmentsOf(`${version}1`).length;
  return { versioning, maxPrefix: segmentsOf(config.getGlobalPrefix()).length + versions };
}
