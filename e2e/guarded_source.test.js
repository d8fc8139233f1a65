// An API behind npm oidc-provider, which it asks about every token by introspection: pulled from in our own name (client credentials), and in the names
// of people who have linked an account (authorization code, refreshing, until they unlink it).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { application, declared } from './support/clients.js';
import { people } from './support/declarations.js';
import { everything, records, tokenFor } from './support/fhir.js';
import { arrange, link, signedIn, tidyUp } from './support/link.js';
import { Staff, staffKey } from './support/staff.js';

const HERE = 'HCNWMN1';
const MACHINE = { client_id: 'machine', client_secret: 'secret-of-the-machine-at-the-third-party', grant_types: ['client_credentials'], redirect_uris: [], response_types: [], scope: 'people.read', token_endpoint_auth_method: 'client_secret_basic' };
const reader = application('reader', { redirectUri: 'http://127.0.0.1:9/reader', grants: ['client_credentials'], scopes: 'system/Patient.rs system/Observation.rs' });
const PAGE = 10;
const persons = Array.from({ length: 34 }, (_, nth) => ({ id: `${nth}`, family: `Family ${nth}`, updated_at: new Date(Date.UTC(2026, 0, 1, 0, nth)).toISOString() }));
const weights = { 'account-of-nadia': [70.5, 71, 71.5], 'account-of-omar': [88, 87] };
const asked = [];

let party, deployment, staff, site_id, here;

// Pages by a cursor, of those who changed since.
function peopleOf(url) {
  const since = url.searchParams.get('since') ?? '';
  const from = Number(url.searchParams.get('cursor') ?? 0);
  const wanted = persons.filter(({ updated_at }) => updated_at >= since);
  const size = Number(url.searchParams.get('limit'));
  const next = from + size < wanted.length ? String(from + size) : null;
  return { items: wanted.slice(from, from + size), next };
}

function api(url, token) {
  asked.push({ path: url.pathname, who: token.sub ?? token.client_id });
  if (url.pathname === '/v1/people') return token.scope?.split(' ').includes('people.read') ? { status: 200, body: peopleOf(url) } : { status: 403, body: {} };
  const own = url.pathname === '/v1/weights' && weights[token.sub];
  return own ? { status: 200, body: own.map((kg, nth) => ({ id: nth, kg })) } : { status: 404, body: {} };
}

before(async () => {
  const patient = (id, label) => `patients = [{ id = "${id}", relation = "self", label = "${label}" }]`;
  ({ party, deployment } = await arrange({
    clients: [MACHINE], about: { nadia: patient('nadia', 'Nadia'), omar: patient('omar', 'Omar') },
    organisation: `codes = { main = "${HERE}" }\nvalidation = "off"\nsubscriptions = ["base", "clinical"]`, more: `${declared(reader)}${staffKey('northwind')}`,
  }));
  party.api = api;
  staff = await Staff.of(deployment, 'northwind');
  await deployment.start();
  site_id = await staff.siteId();
  here = records(deployment, await tokenFor(deployment, reader), HERE);
});
after(() => tidyUp(deployment, party));

async function connected(name, { secret = MACHINE.client_secret, scopes = ['people.read'] } = {}) {
  const stream = {
    name: 'people', path: 'v1/people', records: '/items', pagination: { style: 'cursor', parameter: 'cursor', next: '/next', size_parameter: 'limit', size: PAGE },
    incremental: { parameter: 'since', field: '/updated_at', overlap_s: 0 },
  };
  const config = {
    base_url: party.url, auth_type: 'oauth2_client_credentials', token_url: `${party.url}/token`, scopes, site_id, streams: [stream],
    mapping: { streams: { people: [{ target: 'Patient', key: '/id', set: { 'name[0].family': '/family' } }] } },
  };
  const credentials = { client_id: MACHINE.client_id, client_secret: secret };
  return (await staff.want(201, 'POST', '', { name, type: 'api', provider: 'custom', sync_frequency: 'manual', config, credentials })).body.id;
}

test('in our own name: a token for the client, all pages, what has changed, and another token when it is taken away', { timeout: 120_000 }, async () => {
  const id = await connected('People');
  const { steps } = await staff.tested(id);
  for (const name of ['name', 'connection', 'api', 'sign_in', 'permission', 'sample_read']) assert.equal(steps[name].outcome, 'passed', JSON.stringify(steps));
  await staff.want(200, 'POST', `/${id}/activate`);
  const before = party.calls.client_credentials;
  const full = await staff.synced(id, 'full');
  assert.deepEqual([full.status, full.report], ['done', { received: 34, stored: 34, unchanged: 0, quarantined: 0, deleted: 0 }]);
  const families = async () => Object.values(await everything(here, '/fhir', 'Patient')).map(({ name }) => name[0].family).sort();
  assert.deepEqual(await families(), persons.map(({ family }) => family).sort());
  assert.equal(party.calls.client_credentials, before + 1, 'one token for all of it');

  party.forget('ClientCredentials');
  persons.push({ id: '900', family: 'Newcomer', updated_at: '2026-02-01T00:00:00.000Z' });
  Object.assign(persons[3], { family: 'Renamed', updated_at: '2026-02-01T00:01:00.000Z' });
  const changed = await staff.synced(id, 'incremental');
  assert.deepEqual([changed.status, changed.report.stored], ['done', 2], JSON.stringify(changed));
  assert.ok(changed.report.received < 5, 'no more than what changed is asked for');
  assert.deepEqual(await families(), persons.map(({ family }) => family).sort());
  assert.equal(party.calls.client_credentials, before + 2, 'one that is refused is followed by another one');
});

test('a secret that is wrong, a scope that there is not, and one that is missing are told apart', async () => {
  const told = async (...words) => (await staff.tested(await connected(...words))).steps;
  const wrong = await told('Wrong secret', { secret: 'another' });
  assert.deepEqual([wrong.sign_in.outcome, wrong.permission.outcome], ['failed', 'skipped']);
  assert.match(wrong.sign_in.message, /^the token endpoint does not know us/);
  const unknown = await told('Wrong scope', { scopes: ['profile'] });
  assert.deepEqual([unknown.sign_in.outcome, unknown.permission.outcome], ['passed', 'failed']);
  assert.match(unknown.permission.message, /gives us no token for these scopes/);
  const none = await told('No scope', { scopes: [] });
  assert.deepEqual([none.sign_in.outcome, none.permission], ['passed', { outcome: 'failed', message: 'the source does not let us read this' }]);
});

test('in the names of people: each one\'s records into their own Patient, as long as their account is linked', { timeout: 120_000 }, async () => {
  const { body: list } = await staff.want(200, 'GET', '?q=integration');
  const linked_integration = list.items.find(({ name }) => name === 'Integration #1').id;
  const config = {
    base_url: party.url, auth_type: 'linked_accounts', linked_integration, site_id, streams: [{ name: 'weights', path: 'v1/weights', records: '' }],
    mapping: { streams: { weights: [{ target: 'Observation', key: '/id', set: {
      status: { constant: 'final' }, 'code.text': { constant: 'weight' }, subject: { reference: { given: 'patient' }, required: true },
      valueQuantity: { quantity: { value: '/kg', unit: 'kg', code: 'kg' } },
    } }] } },
  };
  const { body: { id } } = await staff.want(201, 'POST', '', { name: 'Weights', type: 'api', provider: 'custom', sync_frequency: 'manual', config });
  assert.equal((await staff.tested(id)).steps.sign_in.message, 'nobody has linked an account yet');

  // A token that runs out at once: the sync has to refresh it.
  party.accessTokenS = 1;
  const nadia = await signedIn(deployment, { person: people.nadia });
  await link(deployment, nadia.browser, { account: 'account-of-nadia' });
  const omar = await signedIn(deployment, { person: people.omar });
  await link(deployment, omar.browser, { account: 'account-of-omar' });
  // Until both have.
  const over = Date.now() + 1_500;
  while (Date.now() < over) await new Promise((resolve) => setTimeout(resolve, 50));
  const { status, steps } = await staff.tested(id);
  assert.deepEqual([status, steps.sign_in.outcome, steps.permission.outcome, steps.sample_read.outcome], ['success', 'passed', 'passed', 'passed'], JSON.stringify(steps));
  await staff.want(200, 'POST', `/${id}/activate`);
  const full = await staff.synced(id, 'full');
  assert.deepEqual([full.status, full.report], ['done', { received: 5, stored: 5, unchanged: 0, quarantined: 0, deleted: 0 }]);
  assert.ok(party.calls.refresh_token >= 2, 'each account has its own');
  const seen = async () => {
    const all = Object.values(await everything(here, '/fhir', 'Observation'));
    const of = (patient) => all.filter(({ subject }) => subject.reference === `Patient/${patient}`).map(({ valueQuantity }) => valueQuantity.value).sort((a, b) => a - b);
    return { nadia: of('nadia'), omar: of('omar'), all: all.length };
  };
  assert.deepEqual(await seen(), { nadia: [70.5, 71, 71.5], omar: [87, 88], all: 5 });
  assert.deepEqual(new Set(asked.filter(({ path }) => path === '/v1/weights').map(({ who }) => who)), new Set(Object.keys(weights)));

  // Unlinked, the account is asked no more; what came of it stays, and the others go on.
  const live = party.live('RefreshToken').length;
  assert.equal((await nadia.api('DELETE', '/integrations/v1/integration-1')).status, 204);
  weights['account-of-nadia'].push(72);
  weights['account-of-omar'].push(86);
  asked.length = 0;
  const next = await staff.synced(id, 'full');
  assert.deepEqual([next.status, next.report.received, next.report.stored, next.report.deleted], ['done', 3, 1, 0], JSON.stringify(next));
  assert.deepEqual(await seen(), { nadia: [70.5, 71, 71.5], omar: [86, 87, 88], all: 6 });
  assert.deepEqual(new Set(asked.map(({ who }) => who)), new Set(['account-of-omar']));
  const deadline = Date.now() + 30_000;
  while (party.live('RefreshToken').length >= live && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(party.live('RefreshToken').length < live, 'the third party was told');
});
