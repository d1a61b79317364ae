export type { Schedule } from './commit/group-commit.ts';
export type { DatabaseOptions, LevelDatabase } from './database.ts';
export { LevelStore, type LevelStoreOptions } from './level-store.ts';
