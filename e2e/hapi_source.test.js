// A FHIR server that others wrote is the source of a sync: what HAPI has is here in the end, all of it and nothing else.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { application, declared } from './support/clients.js';
import { everything, records, tokenFor } from './support/fhir.js';
import { Hapi } from './support/hapi.js';
import { tidyUp } from './support/link.js';
import { Staff } from './support/staff.js';

const HERE = 'HCNWMN1';
const TYPES = ['Patient', 'Practitioner', 'Observation', 'Condition'];
const EACH = 40;
const reader = application('reader', { redirectUri: 'http://127.0.0.1:9/reader', grants: ['client_credentials'], scopes: TYPES.map((type) => `system/${type}.rs`).join(' ') });

let hapi, staff, here, id;

const patient = (nth, more) => ({
  resourceType: 'Patient', id: `p${nth}`, active: nth % 2 === 0, birthDate: '1970-02-03', gender: ['male', 'female', 'other', 'unknown'][nth % 4],
  identifier: [{ system: 'https://clinic.example/mrn', value: `${1000 + nth}` }], name: [{ family: 'Петренко', given: ['Надія', `${nth}`] }],
  telecom: [{ system: 'phone', value: '+44 20 7946 0000', use: 'home' }], extension: [{ url: 'https://clinic.example/ward', valueString: 'Ŵ 7' }], ...more,
});
const practitioner = (nth) => ({ resourceType: 'Practitioner', id: `d${nth}`, name: [{ text: `Dr ${nth}` }] });
const observation = (nth, more) => ({
  resourceType: 'Observation', id: `o${nth}`, status: 'final', code: { coding: [{ system: 'http://loinc.org', code: '29463-7' }], text: 'weight' },
  subject: { reference: `Patient/p${nth % EACH}` }, performer: [{ reference: `Practitioner/d${nth % 5}` }], effectiveDateTime: '2026-03-01T08:15:30.123+02:00',
  valueQuantity: { value: 70 + nth / 8, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' }, note: [{ text: 'a\nb\t“c”' }], ...more,
});
// Without an id of ours: HAPI gives it a number.
const condition = (nth) => ({ resourceType: 'Condition', subject: { reference: `Patient/p${nth}` }, code: { text: `condition ${nth}` }, recordedDate: '2026-01' });

const transaction = (resources) => hapi.call('POST', '', {
  resourceType: 'Bundle', type: 'transaction',
  entry: resources.map((resource) => ({ resource, request: resource.id ? { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } : { method: 'POST', url: resource.resourceType } })),
});

before(async () => {
  hapi = await Hapi.start();
  if (!hapi) return;
  const all = (made, count) => Array.from({ length: count }, (_, nth) => made(nth));
  await transaction([...all(patient, EACH), ...all(practitioner, 5), ...all(condition, 10)]);
  await transaction(all(observation, EACH));
  for (let nth = EACH; nth < EACH + 20; nth += 1) await hapi.call('PUT', `/Observation/o${nth}`, observation(nth), 201);
  staff = await Staff.make({ allowed: [hapi.host], more: declared(reader) });
  here = records(staff.deployment, await tokenFor(staff.deployment, reader), HERE);
  const config = { base_url: hapi.base, auth_type: 'none', site_id: await staff.siteId(), resource_types: TYPES, page_size: 8 };
  id = (await staff.want(201, 'POST', '', { name: 'HAPI', type: 'fhir', provider: 'custom', sync_frequency: 'manual', config })).body.id;
});
after(() => tidyUp(staff?.deployment, hapi));

async function same() {
  const there = (...words) => hapi.call(...words);
  for (const type of TYPES) {
    const wanted = await everything(there, '', type);
    assert.deepEqual(await everything(here, '/fhir', type), wanted, type);
    assert.ok(Object.keys(wanted).length > 0, type);
  }
}

test('a sync brings all that HAPI has, then what has changed, then takes away what is gone', { timeout: 400_000 }, async (t) => {
  if (!hapi) return t.skip('no database for HAPI');
  const { steps, details } = await staff.tested(id);
  const outcomes = Object.fromEntries(Object.entries(steps).map(([name, { outcome }]) => [name, outcome]));
  assert.deepEqual(outcomes, {
    site: 'passed', name: 'passed', connection: 'passed', tls: 'warning', api: 'passed', sign_in: 'passed', permission: 'passed', sample_read: 'passed',
  }, JSON.stringify(steps));
  assert.equal(details.api_version, '4.0.1');
  await staff.want(200, 'POST', `/${id}/activate`);

  const many = EACH + 5 + 10 + EACH + 20;
  const full = await staff.synced(id, 'full');
  assert.deepEqual([full.status, full.report.stored, full.report.quarantined], ['done', many, 0], JSON.stringify(full));
  await same();

  await hapi.call('PUT', '/Patient/p3', patient(3, { active: true, birthDate: '1971' }));
  await hapi.call('PUT', '/Observation/o900', observation(900), 201);
  const changed = await staff.synced(id, 'incremental');
  assert.deepEqual([changed.status, changed.report.stored, changed.report.quarantined], ['done', 2, 0], JSON.stringify(changed));
  await same();

  await hapi.call('DELETE', '/Observation/o7');
  await hapi.call('PUT', '/Patient/p0', patient(0, { birthDate: '1972' }));
  const again = await staff.synced(id, 'full');
  assert.deepEqual([again.status, again.report.stored, again.report.deleted, again.report.quarantined], ['done', 1, 1, 0], JSON.stringify(again));
  assert.equal((await here('GET', '/fhir/Observation/o7')).status, 410);
  await same();
});
