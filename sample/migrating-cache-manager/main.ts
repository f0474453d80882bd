import { compare } from '../shared/compare.js';
import { createApp } from '../shared/create-app.js';
import { AfterModule } from './after/app.module.js';
import { BeforeModule } from './before/app.module.js';
import { differences, ShopClient } from './differences.js';

const applications = { before: await createApp(BeforeModule), after: await createApp(AfterModule) };
await compare(applications, (origin) => new ShopClient(origin), differences);
