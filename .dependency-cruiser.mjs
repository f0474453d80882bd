// The floors of the house: a file imports from floors below its own, never from above, never from a sibling adapter. Types count.
const optionalPeers =
  '@nestjs/(cqrs|event-emitter|terminus|graphql|microservices|schedule)|nestjs-cls|@opentelemetry/api';
const npm = ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'];
const thirdParty = { dependencyTypes: npm };
const builtin = { dependencyTypes: ['core'] };

// Imports them when the application starts, if they are installed.
const lazily = '^lib/nest/events/listener\\.ts$';

const forbidden = [
  { name: 'no-cycles', from: {}, to: { circular: true } },
  { name: 'no-unresolvable', from: {}, to: { couldNotResolve: true } },
  {
    name: 'only-declared-packages',
    from: { path: '^lib/' },
    to: {
      dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'],
      dependencyTypesNot: ['npm-peer'],
    },
  },
  { name: 'lib-stands-alone', from: { path: '^lib/' }, to: { path: '^(test|sample|dist|docs)/' } },
  {
    name: 'nobody-imports-an-entry',
    from: { path: '^lib/' },
    to: {
      path: '^lib/(index|http|cqrs|redis|backend|codec|diagnostics|testing)\\.ts$',
    },
  },

  {
    name: 'floor-0-ports',
    comment: 'ports import nothing outside ports',
    from: { path: '^lib/ports/' },
    to: { pathNot: '^lib/ports/' },
  },

  {
    name: 'floor-1-core',
    comment: 'core imports ports only',
    from: { path: '^lib/core/' },
    to: { path: '^lib/', pathNot: '^lib/(core|ports)/' },
  },
  { name: 'floor-1-core-no-packages', from: { path: '^lib/core/' }, to: thirdParty },
  {
    name: 'floor-1-core-no-builtins',
    from: { path: '^lib/core/', pathNot: '^lib/core/key/hash\\.ts$' },
    to: builtin,
  },
  {
    name: 'floor-1-hash-crypto-only',
    from: { path: '^lib/core/key/hash\\.ts$' },
    to: { ...builtin, pathNot: '^(node:)?(buffer|crypto)$' },
  },

  {
    name: 'floor-2-adapters',
    comment: 'adapters import ports and themselves',
    from: { path: '^lib/(backends/[^/]+|codecs|http)/' },
    to: { path: '^lib/', pathNot: ['^lib/ports/', '^lib/$1/'] },
  },
  {
    name: 'floor-2-clock-and-context',
    from: { path: '^lib/(clock|async-context)\\.ts$' },
    to: { pathNot: ['^lib/ports/', '^(node:)?async_hooks$'] },
  },
  {
    name: 'floor-2-memory-packages',
    from: { path: '^lib/backends/memory' },
    to: thirdParty,
  },
  {
    name: 'floor-2-redis-packages',
    from: { path: '^lib/backends/redis' },
    to: { ...thirdParty, pathNot: 'node_modules/(redis|@redis)/' },
  },
  {
    name: 'floor-2-codecs-packages',
    from: { path: '^lib/codecs/' },
    to: { ...thirdParty, pathNot: 'node_modules/(cbor|@types/cbor)/' },
  },
  {
    name: 'floor-2-http-pure',
    from: { path: '^lib/http/' },
    to: { dependencyTypes: [...npm, 'core'], pathNot: '^(node:)?(buffer|crypto)$' },
  },

  {
    name: 'floor-3-create-cache',
    from: { path: '^lib/create-cache\\.ts$' },
    to: { path: '^lib/nest/' },
  },
  {
    name: 'floor-3-create-cache-packages',
    from: { path: '^lib/create-cache\\.ts$' },
    to: thirdParty,
  },
  {
    name: 'below-nest-no-nest',
    from: { path: '^lib/((ports|core|backends|codecs|http)/|(clock|create-cache)\\.ts$)' },
    to: { path: '^lib/nest/|node_modules/(@nestjs|rxjs)/' },
  },

  {
    name: 'floor-4-nest-packages',
    from: { path: '^lib/nest/', pathNot: lazily },
    to: { ...thirdParty, pathNot: 'node_modules/(@nestjs/(common|core)|rxjs|reflect-metadata)/' },
  },
  {
    name: 'optional-peers-in-their-entry',
    comment: 'an application without the peer must be able to load everything else',
    from: {
      path: '^lib/',
      pathNot: lazily,
    },
    to: { path: `node_modules/(${optionalPeers})/` },
  },
  {
    name: 'memory-never-loads-redis',
    comment: 'no entry but that of redis may reach the redis package',
    from: { path: '^lib/(index|http|cqrs|backend|codec|diagnostics|testing)\\.ts$' },
    to: { path: 'node_modules/(redis|@redis)/', reachable: true },
  },
];

export default {
  forbidden: forbidden.map((rule) => ({ severity: 'error', ...rule })),
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'require', 'node', 'default'],
    },
  },
};
