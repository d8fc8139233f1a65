// Two deployments: the one pulls what the other's site has, by SMART Backend Services. The key is made by the one, and fetched from it by the other.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { application, declared } from './support/clients.js';
import { SITE, everything, records, siteWith, tokenFor } from './support/fhir.js';
import { freePort } from './support/hilum.js';
import { tidyUp } from './support/link.js';
import { Staff } from './support/staff.js';

const PATIENTS = 30;
const PAGE = 7;
const HERE = 'HCNWMN1';
const TYPES = ['Patient', 'Observation'];
const READING = TYPES.map((type) => `system/${type}.rs`).join(' ');
const reader = application('reader', { redirectUri: 'http://127.0.0.1:9/reader', grants: ['client_credentials'], scopes: READING });

let staff, clinic, there, here;
const ids = {};

const patient = (nth, more) => ({ resourceType: 'Patient', id: `p${nth}`, active: true, name: [{ family: `Family ${nth}`, given: ['Ÿ', 'Ω'] }], ...more });
const pulse = (nth) => ({
  resourceType: 'Observation', id: `o${nth}`, status: 'final', code: { text: 'pulse' }, subject: { reference: `Patient/p${nth}` },
  valueQuantity: { value: 70.5 + nth, unit: '/min' },
});
// As the other one's client of that name, which proves itself by a key that only the integration at `keys` has.
const gateway = (name, scopes, keys) => application(name, {
  redirectUri: `http://127.0.0.1:9/${name}`, secret: null, grants: ['client_credentials'], scopes,
  more: `profile = "smart-backend"\nauth_method = "private_key_jwt"\nmetadata = { jwks_uri = "${staff.url}/api/v1/integrations/${keys}/jwks.json" }`,
});

before(async () => {
  const port = await freePort();
  staff = await Staff.make({ allowed: [`127.0.0.1:${port}`], more: declared(reader) });
  const site_id = await staff.siteId();
  const integration = async (name, client, scopes) => {
    const config = {
      base_url: `http://127.0.0.1:${port}/fhir`, auth_type: 'smart_backend', client_id: gateway(client, '', '').id, scopes: scopes.split(' '), site_id,
      resource_types: TYPES, page_size: PAGE, headers: { 'SU-SiteId': SITE },
    };
    ids[name] = (await staff.want(201, 'POST', '', { name, type: 'fhir', provider: 'custom', sync_frequency: 'manual', config })).body.id;
  };
  await integration('clinic', 'gateway', READING);
  await integration('narrow', 'narrow', READING);
  await integration('elsewhere', 'elsewhere', 'system/Condition.rs');
  await integration('stranger', 'gateway', READING);
  const clients = [gateway('gateway', READING, ids.clinic), gateway('narrow', 'system/Patient.rs', ids.narrow), gateway('elsewhere', 'system/Patient.rs', ids.elsewhere)];
  clinic = await siteWith(clients, {
    port, settings: { HILUM__INTEGRATIONS__ALLOW_INTERNAL: JSON.stringify([new URL(staff.url).host]) },
  });
  there = records(clinic, await tokenFor(clinic));
  here = records(staff.deployment, await tokenFor(staff.deployment, reader), HERE);
  const requests = (resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } });
  const entry = Array.from({ length: PATIENTS }, (_, nth) => [patient(nth), pulse(nth)]).flat().map(requests);
  assert.equal((await there('POST', '/fhir', { resourceType: 'Bundle', type: 'transaction', entry })).status, 200);
});
after(() => tidyUp(staff?.deployment, clinic));

async function same() {
  for (const type of TYPES) {
    const wanted = await everything(there, '/fhir', type);
    assert.deepEqual(await everything(here, '/fhir', type), wanted, type);
    assert.ok(Object.keys(wanted).length >= PATIENTS - 2);
  }
}

test('the public half of the key is there for everybody, and the private one for nobody', async () => {
  const { keys } = await (await fetch(`${staff.url}/api/v1/integrations/${ids.clinic}/jwks.json`)).json();
  assert.deepEqual(keys.map(({ kty, crv, alg, d }) => [kty, crv, alg, d]), [['EC', 'P-384', 'ES384', undefined]]);
});

test('each step of a test passes', async () => {
  const { status, steps, details } = await staff.tested(ids.clinic);
  const outcomes = Object.fromEntries(Object.entries(steps).map(([name, { outcome }]) => [name, outcome]));
  assert.deepEqual(outcomes, {
    site: 'passed', name: 'passed', connection: 'passed', tls: 'warning', api: 'passed', sign_in: 'passed', permission: 'passed', sample_read: 'passed',
  }, JSON.stringify(steps));
  assert.deepEqual([status, details.api_version, details.permissions], ['warning', '4.0.1', ['Patient.search', 'Observation.search']]);
});

test('a client that may not read a type, none of its scopes, or is somebody else, is told so in words', async () => {
  const narrow = await staff.tested(ids.narrow);
  assert.deepEqual([narrow.status, narrow.steps.sign_in.outcome], ['error', 'passed']);
  assert.deepEqual(narrow.steps.permission, { outcome: 'failed', message: 'the server does not let us read every type that is pulled' });
  assert.deepEqual(narrow.details.permissions, ['Patient.search']);
  const message = 'the source gives us no token for these scopes: look at config.scopes, and at what our client may have there';
  const { steps } = await staff.tested(ids.elsewhere);
  assert.deepEqual([steps.sign_in, steps.permission], [
    { outcome: 'passed', message: 'the token endpoint knows us' }, { outcome: 'failed', message },
  ]);
  const stranger = await staff.tested(ids.stranger);
  assert.deepEqual([stranger.status, stranger.steps.sign_in.outcome, stranger.steps.permission.outcome], ['error', 'failed', 'skipped']);
  assert.match(stranger.steps.sign_in.message, /does not know us: is our client registered there/);
  await staff.want(409, 'POST', `/${ids.narrow}/activate`);
});

test('everything comes page by page, then what has changed, and what is deleted goes', { timeout: 120_000 }, async () => {
  await staff.want(200, 'POST', `/${ids.clinic}/activate`);
  const full = await staff.synced(ids.clinic, 'full');
  assert.deepEqual([full.status, full.report], ['done', { received: 60, stored: 60, unchanged: 0, quarantined: 0, deleted: 0 }]);
  await same();
  const { body } = await staff.want(200, 'GET', `/${ids.clinic}/logs?limit=100`);
  const pages = body.logs.filter(({ details }) => details.records_processed > 0 && details.records_processed <= PAGE);
  assert.ok(pages.length >= 60 / PAGE, JSON.stringify(body.logs));

  assert.equal((await there('PUT', '/fhir/Patient/p3', patient(3, { active: false }))).status, 200);
  assert.equal((await there('PUT', '/fhir/Patient/p900', patient(900))).status, 201);
  const changed = await staff.synced(ids.clinic, 'incremental');
  assert.deepEqual([changed.status, changed.report.stored, changed.report.quarantined], ['done', 2, 0], JSON.stringify(changed));
  await same();

  assert.equal((await there('DELETE', '/fhir/Observation/o5')).status, 200);
  const without = await staff.synced(ids.clinic, 'full');
  assert.deepEqual([without.status, without.report.stored, without.report.deleted], ['done', 0, 1], JSON.stringify(without));
  assert.equal((await here('GET', '/fhir/Observation/o5')).status, 410);
  await same();
});

test('the same by an export', { timeout: 120_000 }, async () => {
  const { headers } = await staff.want(200, 'GET', `/${ids.clinic}`);
  const patch = { config: { full: 'bulk_export' }, reason: 'the clinic offers exports' };
  const stated = { 'if-match': headers.get('etag'), 'content-type': 'application/merge-patch+json' };
  assert.equal((await staff.want(200, 'PATCH', `/${ids.clinic}`, patch, stated)).body.status, 'pending');
  await staff.tested(ids.clinic);
  await staff.want(200, 'POST', `/${ids.clinic}/activate`);
  assert.equal((await there('PUT', '/fhir/Observation/o7', { ...pulse(7), status: 'amended' })).status, 200);
  assert.equal((await there('DELETE', '/fhir/Observation/o6')).status, 200);
  const full = await staff.synced(ids.clinic, 'full');
  assert.deepEqual([full.status, full.report], ['done', { received: 60, stored: 1, unchanged: 58, quarantined: 0, deleted: 1 }]);
  await same();
  assert.equal((await there('PUT', '/fhir/Patient/p4', patient(4, { active: false }))).status, 200);
  assert.equal((await staff.synced(ids.clinic, 'incremental')).report.stored, 1);
  await same();
});
