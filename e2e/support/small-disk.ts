import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own, so small that it can be filled. */
export class SmallDisk implements AsyncDisposable {
  readonly path: string;

  /** Use `mountSmallDisk`. */
  constructor(path: string) {
    this.path = path;
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.path);
    return bavail * bsize;
  }

  /** Takes all that is left but this much. */
  async fill(leave: number): Promise<void> {
    const bytes = Math.max(0, (await this.freeBytes()) - leave);
    await writeFile(join(this.path, 'ballast'), Buffer.alloc(bytes, 1));
  }

  async empty(): Promise<void> {
    await rm(join(this.path, 'ballast'), { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    spawnSync('umount', ['-l', this.path]);
    await rm(this.path, { recursive: true, force: true });
  }
}

/** Mounts a tmpfs; the words why not where that is not permitted (it takes root). */
export async function mountSmallDisk(bytes: number): Promise<SmallDisk | string> {
  const path = await mkdtemp(join(tmpdir(), 'hawser-disk-'));
  const { status, stderr, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path], {
    encoding: 'utf8',
  });
  if (status === 0) return new SmallDisk(path);
  await rm(path, { recursive: true, force: true });
  return error?.message ?? stderr.trim();
}
