import { readFile, stat } from 'node:fs/promises';

/**
 * Whether somebody seems to hold LevelDB's lock on a directory: a hint, on Linux only, asked when files look damaged,
 * which they also do while another process writes them. LevelDB tells for certain, but not before it has begun to
 * recover.
 */
export async function seemsLocked(lockFile: string): Promise<boolean> {
  try {
    const { ino } = await stat(lockFile);
    const locks = await readFile('/proc/locks', 'latin1');
    // 1: POSIX  ADVISORY  WRITE 1234 fe:00:5678 0 EOF
    return locks.split('\n').some((line) => line.split(/\s+/)[5]?.split(':')[2] === String(ino));
  } catch {
    return false;
  }
}
