export { checkLevelStore } from './check.ts';
export type { Schedule } from './commit/group-commit.ts';
export type { DatabaseOptions, LevelDatabase } from './database.ts';
export { backupLevelStore, exportLevelStore, importLevelStore } from './export.ts';
export type { StoreDamage } from './files/store-damage.ts';
export { LevelStore, type LevelStoreOptions } from './level-store.ts';
export { repairLevelStore, type StoreRepair } from './repair.ts';
