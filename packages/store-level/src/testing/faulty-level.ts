import { ClassicLevel } from 'classic-level';
import type { LevelDatabase } from '../database.ts';

/** A disk whose faults a test turns on. */
export class FaultyDisk {
  /** Batches fail with this. */
  writeError: string | undefined;
  /** LevelDB cannot be opened, with this. */
  openError: string | undefined;
  /** A batch reaches the disk, and fails all the same: what happens when the sync fails. */
  writesBeforeFailing = false;
  opened = 0;
  batches = 0;

  readonly openDatabase = async (directory: string): Promise<LevelDatabase> => {
    if (this.openError !== undefined) throw new Error(`IO error: ${directory}/000003.log: ${this.openError}`);
    const database: LevelDatabase = new ClassicLevel<Buffer, Buffer>(directory, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      compression: false,
    });
    const makeBatch = (): LevelBatch => ClassicLevel.prototype.batch.call(database);
    Object.defineProperty(database, 'batch', { value: () => this.#makeFaulty(makeBatch(), directory) });
    await database.open();
    this.opened++;
    return database;
  };

  #makeFaulty(batch: LevelBatch, directory: string): LevelBatch {
    const write = batch.write.bind(batch);
    batch.write = async (options: { readonly sync?: boolean | undefined } = {}) => {
      this.batches++;
      if (this.writeError === undefined) return write(options);
      if (this.writesBeforeFailing) await write(options);
      throw new Error(`IO error: ${directory}/000003.log: ${this.writeError}`);
    };
    return batch;
  }
}

type LevelBatch = ReturnType<LevelDatabase['batch']>;
