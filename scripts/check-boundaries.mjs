// Which package may import which, and what the pure ones may not touch. Reads the sources; runs in a second.
//
//   codec <- protocol, transport <- { broker, client } <- { admin, doctor } <- cli
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCircles } from './find-circles.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const transport = ['codec', 'protocol', 'transport'];

/** What each package may import of the others. A package that is not here may not import any: add it with the thought it needs. */
const allowed = {
  codec: [],
  parameters: [],
  protocol: ['codec'],
  transport: [],
  broker: transport,
  client: [...transport, 'parameters'],
  'store-level': ['codec', 'protocol', 'broker'],
  auth: [...transport, 'broker'],
  config: [...transport, 'parameters', 'broker', 'store-level', 'auth'],
  admin: [...transport, 'parameters', 'broker', 'store-level', 'auth', 'config'],
  doctor: [...transport, 'parameters', 'client'],
  console: ['codec', 'protocol', 'transport', 'parameters', 'client'],
  cli: [
    'codec',
    'protocol',
    'transport',
    'parameters',
    'broker',
    'client',
    'store-level',
    'auth',
    'config',
    'admin',
    'doctor',
    'console',
  ],
  testkit: 'any',
};

/** No I/O, no clock, no randomness, no Node: what runs unchanged in a browser and under a fake clock. */
const pure = new Set(['codec', 'protocol', 'parameters']);
const impure = [
  [/\bBuffer\b/, 'Buffer'],
  [/\bprocess\./, 'process'],
  [/\bDate\.now\b|\bnew Date\(\)/, 'the clock'],
  [/\bperformance\.now\b/, 'the clock'],
  [/\bMath\.random\b|\bcrypto\.(getRandomValues|randomUUID)\b/, 'randomness'],
  [/\bset(Timeout|Interval|Immediate)\b|\bqueueMicrotask\b/, 'a timer'],
];

const scopes = new Map();
for (const folder of readdirSync(join(root, 'packages'))) {
  const file = join(root, 'packages', folder, 'package.json');
  if (existsSync(file)) scopes.set(folder, JSON.parse(readFileSync(file, 'utf8')));
}
const folderOf = new Map([...scopes].map(([folder, { name }]) => [name, folder]));
const rootManifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const problems = [];
/** Packages whose circles are still to be taken apart. */
const mayHaveCircles = new Set(['broker']);
/** Of each file, the files of its package that it imports. */
const neighbours = new Map();
let files = 0;

for (const [folder, manifest] of scopes) {
  checkManifest(folder, manifest);
  const source = join(root, 'packages', folder, 'src');
  if (existsSync(source)) for (const file of sourcesUnder(source)) checkFile(folder, manifest, file);
}

for (const circle of findCircles(neighbours)) {
  const names = circle.map((file) => relative(join(root, 'packages'), file));
  if (mayHaveCircles.has(names[0].split('/')[0])) continue;
  problems.push(
    `a circle of ${names.length} files, none of which can be read or made without the others: ${names.join(' → ')}`,
  );
}

for (const problem of problems) console.error(problem);
console.log(`boundaries: ${files} files of ${scopes.size} packages, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;

/** The project references and dependencies must tell the same story as the imports. */
function checkManifest(folder, manifest) {
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    const target = folderOf.get(name);
    if (target !== undefined && !mayImport(folder, target)) {
      problems.push(`packages/${folder}/package.json: depends on ${name}, which ${folder} must not import`);
    }
  }
}

function checkFile(folder, manifest, file) {
  files += 1;
  const text = withoutComments(readFileSync(file, 'utf8'));
  const isTest = /\.(test|spec|bench)\.[cm]?tsx?$|[\\/]testing[\\/]/.test(file);
  const at = (offset) => `${relative(root, file)}:${text.slice(0, offset).split('\n').length}`;

  const inside = [];
  for (const { specifier, offset } of importsOf(text)) {
    if (specifier.startsWith('.')) inside.push(resolve(dirname(file), specifier));
    const problem = importProblem(folder, manifest, file, specifier, isTest);
    if (problem) problems.push(`${at(offset)}: ${problem}`);
  }
  if (!isTest) neighbours.set(file, inside);
  if (!pure.has(folder) || isTest) return;
  for (const [pattern, what] of impure) {
    const found = pattern.exec(text);
    if (found)
      problems.push(`${at(found.index)}: ${folder} must not use ${what} (${found[0]}); take it as an argument`);
  }
}

function importProblem(folder, manifest, file, specifier, isTest) {
  if (specifier.startsWith('.')) {
    const inside = relative(join(root, 'packages', folder), resolve(dirname(file), specifier));
    return inside.startsWith('..') ? `'${specifier}' leaves the package; import it by name` : undefined;
  }
  if (specifier.startsWith('#')) {
    return specifier in (manifest.imports ?? {})
      ? undefined
      : `'${specifier}' is not in imports of packages/${folder}/package.json`;
  }
  if (specifier.startsWith('node:')) {
    return pure.has(folder) && !isTest ? `${folder} must not import '${specifier}'` : undefined;
  }
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  if (builtinModules.includes(name)) return `write 'node:${specifier}'`;
  const target = folderOf.get(name);
  // A test may reach for the testkit and for what the workspace has; nothing that is published may.
  if (isTest && (target === 'testkit' || hasDependency(rootManifest, name))) return undefined;
  if (target !== undefined && target !== folder && !mayImport(folder, target))
    return `${folder} must not import ${name}`;
  if (target === folder || hasDependency(manifest, name)) return undefined;
  return `'${name}' is not in dependencies of packages/${folder}/package.json`;
}

function mayImport(folder, target) {
  const list = allowed[folder] ?? [];
  return list === 'any' || list.includes(target);
}

function hasDependency(manifest, name) {
  const { dependencies, devDependencies, peerDependencies, optionalDependencies } = manifest;
  return [dependencies, devDependencies, peerDependencies, optionalDependencies].some((list) => list && name in list);
}

function* importsOf(text) {
  const patterns = [
    /(?:^|[\n;])\s*(?:import|export)\s(?:[^'"`;]*?\sfrom\s*)?['"]([^'"\n]+)['"]/g,
    /\b(?:import|require)\(\s*['"]([^'"\n]+)['"]/g,
  ];
  for (const pattern of patterns) {
    for (const found of text.matchAll(pattern))
      yield { specifier: found[1], offset: found.index + found[0].length - 1 };
  }
}

/** Comments blanked out, line breaks kept. Strings are stepped over, so that `'mqtt://'` begins no comment. */
function withoutComments(text) {
  const token = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;
  return text.replace(token, (found) => (found.startsWith('/') ? found.replace(/[^\n]/g, ' ') : found));
}

function* sourcesUnder(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && /\.[cm]?tsx?$/.test(entry.name)) yield join(entry.parentPath ?? entry.path, entry.name);
  }
}
