// Clients that well-kept generators make of the document compile, and do what staff do.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Staff, TOKEN, fhirSource } from './support/staff.js';

const run = promisify(execFile);
const here = import.meta.dirname;
const python = process.env.HILUM_PYTHON ?? path.resolve(here, '../target/python/bin/python');
const PATIENTS = 5;
const typescript = path.join(here, 'typescript');
const npm = (name) => path.join(here, 'node_modules/.bin', name);

let staff, source, document, words;
before(async () => {
  source = await fhirSource(PATIENTS);
  staff = await Staff.make({ allowed: [source.host] });
  document = path.join(staff.deployment.folder, 'openapi.json');
  await writeFile(document, await (await fetch(`${staff.url}/openapi.json`)).text());
  words = [staff.url, staff.key, await staff.siteId(), source.base, TOKEN];
});
after(async () => {
  await staff?.deployment.remove();
  source?.server.close();
});

test('TypeScript: openapi-typescript and openapi-fetch', async () => {
  const generated = path.join(typescript, 'generated');
  await rm(generated, { recursive: true, force: true });
  await mkdir(generated);
  await run(npm('openapi-typescript'), [document, '--empty-objects-unknown', '--output', path.join(generated, 'hilum.d.ts')]);
  await run(npm('tsc'), ['--project', typescript]);
  const { stdout } = await run(process.execPath, [path.join(generated, 'smoke.js'), ...words]);
  assert.equal(stdout, `${PATIENTS} received\n`);
});

test('Python: openapi-python-client', async () => {
  const folder = path.join(staff.deployment.folder, 'python');
  await mkdir(folder);
  const config = path.join(folder, 'config.yml');
  await writeFile(config, 'package_name_override: hilum_client\n');
  const made = await run(python, ['-m', 'openapi_python_client', 'generate', '--path', document, '--config', config, '--meta', 'none', '--output-path', path.join(folder, 'hilum_client')]);
  // Bodies of FHIR have no schema that a generator could make classes of; of what staff call, nothing is left out.
  assert.doesNotMatch(made.stdout + made.stderr, /WARNING parsing \w+ \/api\/v1\/integrations/);
  await run(python, ['-m', 'compileall', '-q', folder]);
  const script = path.join(here, 'python/managed_client.py');
  const env = { ...process.env, PYTHONPATH: folder, MYPYPATH: folder };
  await run(python, ['-m', 'mypy', '--cache-dir', path.join(folder, 'mypy'), '--follow-imports=silent', script], { env });
  const { stdout } = await run(python, [script, ...words], { env });
  assert.equal(stdout, `${PATIENTS} received\n`);
});
