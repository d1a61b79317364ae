import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkLevelStore } from './check.ts';
import { walkLog } from './files/log-file.ts';
import { playManifest } from './files/manifest.ts';
import { checkTable, readLayout } from './files/table-file.ts';
import { LevelStore } from './level-store.ts';
import { repairLevelStore } from './repair.ts';
import { DamagedCopy, type KilledStore, makeKilledStore, picture } from './testing/damage.ts';

const seed = Number(process.env.HAWSER_SEED ?? Date.now() % 2 ** 31);
/** Every byte of every file, which takes minutes. */
const isThorough = process.env.HAWSER_EVERY_BYTE === '1';

let base: string;
let killed: KilledStore;
let copy: DamagedCopy;
let log: string;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'hawser-damage-'));
  killed = await makeKilledStore(base);
  copy = new DamagedCopy(killed, join(base, 'copy'));
  log = killed.files.find(({ name, size }) => name.endsWith('.log') && size > 0)?.name ?? '';
}, 60_000);

afterAll(async () => {
  await rm(base, { recursive: true, force: true });
});

const contentsOf = (name: string): Promise<Buffer> => readFile(join(killed.directory, name));

/** A copy of its own. */
async function fresh(name: string): Promise<string> {
  const directory = join(base, name);
  await rm(directory, { recursive: true, force: true });
  await cp(killed.directory, directory, { recursive: true });
  return directory;
}

async function flipIn(path: string, at: number, bit: number): Promise<void> {
  await writeFile(path, flipped(await readFile(path), at, bit));
}

/** Where something begins or ends: heads of log pieces, blocks of tables, their trailers, the footer. */
function boundariesOf(name: string, bytes: Buffer): number[] {
  const places = [0, bytes.length];
  if (/\.log$|MANIFEST/.test(name)) {
    for (let at = 0; at + 7 <= bytes.length; at += 7 + bytes.readUInt16LE(at + 4)) places.push(at, at + 7);
  } else if (name.endsWith('.ldb')) {
    const layout = readLayout(bytes);
    if (typeof layout === 'string') throw new Error(layout);
    for (const { offset, size } of [...layout.data, ...layout.others])
      places.push(offset, offset + size, offset + size + 5);
    places.push(bytes.length - 48, bytes.length - 8);
  }
  return [...new Set(places)].sort((a, b) => a - b);
}

describe(`damage to the files of a LevelStore (seed ${seed})`, () => {
  it('opens what kill -9 left, and finds everything', async () => {
    expect(await copy.open('committed', await contentsOf('committed'))).toBe('whole');
    expect(killed.files.filter(({ name }) => name.endsWith('.ldb')).length).toBeGreaterThan(1);
    expect(killed.files.some(({ name, size }) => name.endsWith('.log') && size > 1_000)).toBe(true);
  });

  it('finds a flipped bit in every byte of every structure, and anywhere between', async () => {
    const random = randomNumbers(seed);
    for (const { name, size } of killed.files) {
      const whole = await contentsOf(name);
      const places = new Set<number>();
      for (const boundary of boundariesOf(name, whole)) {
        for (let at = boundary - 8; at < boundary + 8; at++) if (at >= 0 && at < size) places.add(at);
      }
      for (let round = 0; round < 25; round++) places.add(Math.floor(random() * size));
      if (size < 200 || isThorough) for (let at = 0; at < size; at++) places.add(at);
      for (const at of places) {
        const bit = 1 << Math.floor(random() * 8);
        expect(await copy.open(name, flipped(whole, at, bit)), `${name} at ${at}, bit ${bit}`).toBe('damaged');
      }
    }
  }, 600_000);

  it('finds a file that is cut off, at every boundary and anywhere', async () => {
    const random = randomNumbers(seed);
    for (const { name, size } of killed.files) {
      const whole = await contentsOf(name);
      const places = new Set(boundariesOf(name, whole).filter((at) => at < size));
      for (const at of [...places]) if (at > 0) places.add(at - 1).add(at + 1);
      for (let round = 0; round < 12; round++) places.add(Math.floor(random() * size));
      for (const at of places)
        expect(await copy.open(name, whole.subarray(0, at)), `${name} cut to ${at}`).toBe('damaged');
    }
  }, 600_000);

  it('finds a file that is missing', async () => {
    for (const { name } of killed.files) expect(await copy.open(name, undefined), name).toBe('damaged');
    const directory = await fresh('missing');
    await rm(join(directory, 'db'), { recursive: true });
    await expect(picture(directory)).rejects.toMatchObject({ code: 'store-damaged' });
  });

  it('finds a file from an older copy, under its own name and under that of another of its kind', async () => {
    const kindOf = (name: string): string => name.replace(/\d+/, '');
    let swapped = 0;
    for (const directory of killed.before) {
      for (const old of await readdir(directory, { recursive: true })) {
        for (const { name } of killed.files) {
          if (kindOf(name) !== kindOf(old)) continue;
          const bytes = await readFile(join(directory, old));
          if (bytes.equals(await contentsOf(name))) continue;
          swapped++;
          // The marker is written behind the commit: an old one says nothing wrong, and hides nothing while the rest is whole.
          const wanted = name === 'committed' ? 'whole' : 'damaged';
          expect(await copy.open(name, bytes), `${old} of ${directory} as ${name}`).toBe(wanted);
        }
      }
    }
    expect(swapped).toBeGreaterThan(20);
  }, 60_000);

  it('finds a table of another store, whole in itself and of the same size', async () => {
    await rm(join(base, 'other'), { recursive: true, force: true });
    const other = await makeKilledStore(join(base, 'other'), 4);
    const manifest = killed.files.find((file) => file.name.includes('MANIFEST'))?.name ?? '';
    const found = new Set<string | undefined>();
    const live = playManifest(walkLog(await contentsOf(manifest)).records);
    for (const { name, size } of killed.files.filter((file) => file.name.endsWith('.ldb'))) {
      const bytes = await readFile(join(other.directory, name));
      expect(bytes.length).toBe(size);
      expect(await copy.open(name, bytes), name).toBe('damaged');
      const table = live?.tables.get(Number(/\d+/.exec(name)?.[0]));
      if (table === undefined) throw new Error(`${name} is not live`);
      expect(checkTable(await contentsOf(name), table.smallest, table.largest)).toBeUndefined();
      found.add(checkTable(bytes, table.smallest, table.largest));
    }
    // Before anything is opened where its first or last key is another; by what refers to its records otherwise.
    expect(found).toContain('it is another table than the one that was written');
  });

  it('changes nothing by finding it: put right, it opens', async () => {
    const directory = await fresh('right');
    await flipIn(join(directory, log), 50, 1);
    await expect(new LevelStore({ directory }).open()).rejects.toMatchObject({ code: 'store-damaged' });
    await flipIn(join(directory, log), 50, 1);
    expect((await picture(directory)) === killed.expected).toBe(true);
  });

  it('takes a torn end for what it is: what a crash leaves of a batch that nobody was told of', async () => {
    const whole = await contentsOf(log);
    expect(await copy.open(log, Buffer.concat([whole, whole.subarray(0, 40)]))).toBe('whole');
    expect(await copy.open(log, Buffer.concat([whole, Buffer.alloc(500)]))).toBe('whole');
  });

  it('is told by checkLevelStore, file by file and for whom, and nothing of a sound one', async () => {
    expect(await checkLevelStore(await fresh('check'))).toEqual([]);
    const directory = await fresh('check');
    const table = killed.files.find(({ name }) => name.endsWith('.ldb'))?.name ?? '';
    await flipIn(join(directory, log), 100, 1);
    await flipIn(join(directory, table), 9_000, 1);
    const damages = await checkLevelStore(directory);
    expect(damages.map(({ where }) => `db/${where}`).sort()).toEqual([table, log].sort());
    await flipIn(join(directory, 'committed'), 9, 1);
    expect((await checkLevelStore(directory)).map(({ where }) => where)).toEqual([
      'committed',
      ...damages.map(({ where }) => where),
    ]);
    const words = damages.map(({ what }) => what).join('\n');
    expect(words).not.toContain('hawser data');
    expect(words).toMatch(
      /checksum of the block at byte \d+ \(\d+ bytes\) does not fit, which holds what is from session/,
    );
    expect(words).toMatch(/session 2 \(client "client-2"\), queued message \d+ to session 3 \(client "client-3"\)/);
    expect(words).toMatch(/it is altered or cut off at byte \d+/);
  });
});

describe(`a repair (seed ${seed})`, () => {
  it('leaves the rest, and a copy of what was', async () => {
    const random = randomNumbers(seed);
    for (const { name, size } of killed.files) {
      for (let round = 0; round < 4; round++) {
        const directory = await fresh('repair');
        if (round === 0) await rm(join(directory, name));
        else if (round % 2 === 0) await truncate(join(directory, name), Math.floor(random() * size));
        else await flipIn(join(directory, name), Math.floor(random() * size), 1 << Math.floor(random() * 8));
        const { backup } = await repairLevelStore(directory);
        expect(backup).toBe(join(directory, 'damaged-1'));
        expect((await readdir(backup)).includes('db')).toBe(true);
        expect(await checkLevelStore(directory), name).toEqual([]);
        // What was deleted may be there again, what was never put may not.
        const text = await picture(directory);
        const left = sequencesIn(text);
        expect([...left].filter((sequence) => sequence > 430 || (sequence > 300 && sequence <= 400))).toEqual([]);
        if (name.endsWith('.log') || name === 'committed') expect(left.size).toBeGreaterThan(100);
        expect((await picture(directory)) === text).toBe(true);
      }
    }
  }, 60_000);

  it('that was cut off may be begun again, wherever it was', async () => {
    const wanted = sequencesIn(killed.expected);
    const cuts: Readonly<Record<string, (directory: string) => Promise<unknown>>> = {
      'before the marker was written anew': (directory) => rm(join(directory, 'committed')),
      'half way through the new database': async (directory) => {
        await cp(join(directory, 'db'), join(directory, 'repair-new'), { recursive: true });
        await rm(join(directory, 'repair-new', 'CURRENT'));
      },
      'when the old data was moved away': async (directory) => {
        await repairLevelStore(directory);
        await rm(join(directory, 'db'), { recursive: true });
      },
    };
    for (const [moment, cut] of Object.entries(cuts)) {
      const directory = await fresh('cut-off');
      await cut(directory);
      if (!moment.startsWith('half')) {
        await expect(picture(directory), moment).rejects.toMatchObject({ code: 'store-damaged' });
      }
      const { lost } = await repairLevelStore(directory);
      expect(lost, moment).toEqual([]);
      expect(await checkLevelStore(directory), moment).toEqual([]);
      expect(sequencesIn(await picture(directory)), moment).toEqual(wanted);
    }
  });

  it('after one flipped bit loses what that bit was in, and nothing beside it', async () => {
    const random = randomNumbers(seed);
    const wanted = sequencesIn(killed.expected);
    for (const { name } of killed.files.filter((file) => /\.(ldb|log)$/.test(file.name))) {
      const whole = await contentsOf(name);
      // Of a table its data: the index and the footer are no records.
      const layout = name.endsWith('.ldb') ? readLayout(whole) : undefined;
      const last = typeof layout === 'object' ? layout.data.at(-1) : undefined;
      const size = last === undefined ? whole.length : last.offset + last.size;
      for (let round = 0; round < 8; round++) {
        const at = Math.floor(random() * size);
        const directory = await fresh('flip');
        await flipIn(join(directory, name), at, 1 << Math.floor(random() * 8));
        const { lost } = await repairLevelStore(directory);
        expect(lost.length, `${name} at ${at}`).toBeGreaterThan(0);
        const text = await picture(directory);
        const left = sequencesIn(text);
        // A session whose own record is gone takes its queue along: nobody can say whose it was.
        const isKnown = (sequence: number): boolean =>
          text.includes(`"clientId":"client-${sequence > 400 ? 2 : 1 + (sequence % 3)}"`);
        const missing = [...wanted].filter((sequence) => !left.has(sequence) && isKnown(sequence));
        // Keys share their beginning with those in front, sixteen at most: a flip there alters all of them.
        expect(missing.length, `${name} at ${at}: ${missing.join()}`).toBeLessThanOrEqual(16);
      }
    }
  }, 60_000);
});

function sequencesIn(text: string): Set<number> {
  return new Set(Array.from(text.matchAll(/"sequence":(\d+)/g), ([, digits]) => Number(digits)));
}

function flipped(bytes: Buffer, at: number, bit: number): Buffer {
  const copied = Buffer.from(bytes);
  copied[at] = (copied[at] ?? 0) ^ bit;
  return copied;
}

function randomNumbers(from: number): () => number {
  let state = from;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
