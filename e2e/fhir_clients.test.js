// Records of a site through clients that others wrote, untouched: npm fhirclient, PyPI fhirpy and fhirclient, HAPI's Java client.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';
import { after, before, test } from 'node:test';
import { application, goThrough } from './support/clients.js';
import { people } from './support/declarations.js';
import { SITE, records, siteWith, tokenFor } from './support/fhir.js';
import { tidyUp } from './support/link.js';
import { Browser } from './support/person.js';

const root = path.resolve(import.meta.dirname, '..');
const python = path.join(root, 'target/python/bin/python');
const FHIR = createRequire(import.meta.url)('fhirclient');

let deployment, base, token, chart;

before(async () => {
  chart = application('chart', {
    redirectUri: 'http://127.0.0.1:9/chart', secret: null, grants: ['authorization_code', 'refresh_token'],
    scopes: 'openid fhirUser launch/patient patient/*.rs', more: 'profile = "smart-app-launch-2.2"',
  });
  deployment = await siteWith([chart], {
    about: { nadia: 'fhir_user = "Patient/pat-1"\npatients = [{ id = "pat-1", relation = "self", label = "Nadia Petrenko" }]' },
  });
  base = `${deployment.url}/fhir`;
  token = await tokenFor(deployment);
});
after(() => tidyUp(deployment));

// What a program says, line by line; `answer` sends it one.
async function* program(command, args, options) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
  let errors = '';
  child.stderr.on('data', (bytes) => (errors += bytes));
  const ended = once(child, 'exit');
  for await (const line of readline.createInterface({ input: child.stdout })) {
    const sent = yield JSON.parse(line);
    if (sent) child.stdin.end(`${sent}\n`);
  }
  const [code] = await ended;
  assert.equal(code, 0, errors);
}

async function all(lines) {
  const said = {};
  for await (const { done, ...what } of lines) said[done] = what;
  return said;
}

const script = path.join(import.meta.dirname, 'python/fhir_clients.py');

test('fhirpy creates, updates, finds, pages, does a transaction and reads a history', async () => {
  const said = await all(program(python, [script, 'fhirpy', base, token, SITE]));
  assert.equal(said.create.version, '1');
  assert.equal(said.update.version, '2');
  assert.deepEqual(said.read, { gender: 'male' });
  assert.deepEqual(said.search.paged, Array.from({ length: 25 }, (_, nth) => 70 + nth));
  assert.equal(said.search.first, '2026-03-25T08:00:00Z');
  assert.equal(said.search.chained, 5);
  assert.equal(said.search.has, true);
  assert.deepEqual(said.search.modes, ['include', 'match', 'match', 'match']);
  assert.deepEqual(said['conditional create'], { new: [true, false], same: true });
  assert.deepEqual(said.transaction, { type: 'transaction-response', statuses: ['201', '201'], linked: 1 });
  assert.deepEqual(said['history and delete'], { versions: ['2', '1'], gone: 'deleted', refused: 'invalid' });
});

test("PyPI's fhirclient creates, updates, finds, pages, does a transaction and reads a history", async () => {
  const said = await all(program(python, [script, 'fhirclient', base, token, SITE]));
  assert.equal(said.capabilities.version, '4.0.1');
  assert.ok(said.capabilities.types > 140);
  assert.deepEqual(said['create, read, update'], { versions: [1, 2], family: 'Petrova' });
  assert.deepEqual(said.search, { matches: [5, 5, 2], includes: [1, 1, 1], found: true });
  assert.deepEqual(said['transaction and history'], { statuses: ['200', '201'], versions: ['3', '2', '1'] });
  assert.equal(said['delete and not found'].told, 'MSG_NO_EXIST');
});

test("PyPI's fhirclient launches by itself: it finds where to sign in, and sees the one patient", async () => {
  const call = records(deployment, token);
  const pulse = (patient) => ({
    resourceType: 'Observation', status: 'final', code: { coding: [{ system: 'urn:example:north', code: 'pulse' }] }, subject: { reference: `Patient/${patient}` },
  });
  for (const id of ['pat-1', 'pat-2']) {
    const family = id === 'pat-1' ? 'Petrenko' : 'Somebody';
    assert.equal((await call('PUT', `/fhir/Patient/${id}`, { resourceType: 'Patient', id, name: [{ family, given: ['Nadia'] }] })).status, 201);
    assert.equal((await call('POST', '/fhir/Observation', pulse(id))).status, 201);
  }
  const lines = program(python, [script, 'launch', base, chart.id, chart.redirectUri, SITE]);
  const { url } = (await lines.next()).value;
  const back = await goThrough(new Browser(), url, people.nadia, (at) => at.startsWith(chart.redirectUri));
  const said = (await lines.next(back)).value;
  assert.deepEqual(said, { patient: 'pat-1', name: 'Nadia Petrenko', own: ['Patient/pat-1'] });
  assert.equal((await lines.next()).done, true);
});

test('npm fhirclient in a service: create, read, update, search with pages and references, delete', async () => {
  const client = FHIR({ url: '/', headers: {} }, {}).client({ serverUrl: base, tokenResponse: { access_token: token } });
  const headers = { 'SU-SiteId': SITE };
  const patient = await client.create({ resourceType: 'Patient', name: [{ family: 'Service' }] }, { headers });
  const changed = await client.update({ ...patient, gender: 'other' }, { headers });
  assert.equal(changed.meta.versionId, '2');
  const patched = await client.patch(`Patient/${patient.id}`, [{ op: 'replace', path: '/gender', value: 'unknown' }], { headers });
  assert.equal(patched.gender, 'unknown');
  for (let nth = 0; nth < 7; nth += 1) {
    await client.create({ resourceType: 'Observation', status: 'final', code: { text: 'seven' }, subject: { reference: `Patient/${patient.id}` }, valueInteger: nth }, { headers });
  }
  const found = [];
  // With `pageLimit` it would send the first page's headers with the first page alone, and SU-SiteId is one.
  for (let url = `Observation?patient=${patient.id}&_sort=_lastUpdated&_count=3`; url;) {
    const { data: page, references } = await client.request({ url, headers }, { resolveReferences: ['subject'], graph: false });
    assert.equal(references[`Patient/${patient.id}`].gender, 'unknown');
    found.push(...page.entry.map((entry) => entry.resource.valueInteger));
    url = page.link.find((link) => link.relation === 'next')?.url;
  }
  assert.deepEqual(found, [0, 1, 2, 3, 4, 5, 6]);
  await client.delete(`Patient/${patient.id}`, { headers });
  await assert.rejects(client.request({ url: `Patient/${patient.id}`, headers }), /Gone/);
});

for (const format of ['json', 'xml']) {
  test(`HAPI's Java client does its work in ${format}: CRUD, patches, conditional create, transaction, search, history`, async () => {
    const target = path.join(root, 'target/java');
    const words = ['-XX:TieredStopAtLevel=1', '-cp', `${target}/classes:${target}/lib/*`, 'HapiClient', base, token, SITE, format];
    const said = Object.keys(await all(program('java', words)));
    assert.deepEqual(said, ['capabilities', 'create, read, update, vread', 'patch', 'conditional create', 'transaction', 'search', 'history and delete']);
  });
}
