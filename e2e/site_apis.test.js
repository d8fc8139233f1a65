// The documented calls of the site-scoped FHIR APIs (contract 3), step by step as its source has an integrator do them, with exactly the documented fields.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { application } from './support/clients.js';
import { OTHER_SITE, SITE, engine, records, siteWith, tokenFor } from './support/fhir.js';
import { tidyUp } from './support/link.js';

const OUTCOME = 'http://terminology.hl7.org/CodeSystem/operation-outcome';
const FOREIGN_SITE = 'HCSTHR1';
const reader = application('reader', { redirectUri: 'http://127.0.0.1:9/reader', grants: ['client_credentials'], scopes: 'system/Patient.r' });

let deployment, discovered, call;

before(async () => {
  deployment = await siteWith([reader]);
  await deployment.load(`
[organisation]
slug = "southside"
name = "Southside"
sites = { river = "River" }
codes = { river = "${FOREIGN_SITE}" }
validation = "off"
subscriptions = ["base"]
`);
  discovered = await (await fetch(`${deployment.url}/.well-known/discovery-document.json`)).json();
  call = records(deployment, await tokenFor(deployment));
});
after(() => tidyUp(deployment));

// A refusal says what contract 3 promises of every refusal.
function refuses(answer, status, code) {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  assert.equal(answer.headers.get('content-type'), 'application/fhir+json');
  assert.equal(answer.body.resourceType, 'OperationOutcome');
  for (const issue of answer.body.issue) {
    assert.ok(['fatal', 'error'].includes(issue.severity));
    assert.equal(issue.code, code);
    assert.equal(issue.details.coding[0].system, OUTCOME);
    assert.match(issue.details.coding[0].code, /^[A-Z]+_[A-Z_]+$/);
    assert.ok(issue.diagnostics.length > 0);
  }
  return answer.body.issue[0];
}

const patient = (family, more = {}) => ({ resourceType: 'Patient', name: [{ family }], ...more });

test('1. The discovery document: flat, absolute, without a token, with an ETag; every operation by its name', async () => {
  const answer = await fetch(`${deployment.url}/.well-known/discovery-document.json`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'application/json');
  assert.match(answer.headers.get('cache-control'), /max-age/);
  const again = await fetch(`${deployment.url}/.well-known/discovery-document.json`, { headers: { 'if-none-match': answer.headers.get('etag') } });
  assert.equal(again.status, 304);
  for (const [key, uri] of Object.entries(await answer.json())) {
    assert.match(key, /^[a-z0-9_]+_(endpoint|namespace)$/);
    assert.ok(uri.startsWith(`${deployment.url}/`), uri);
    assert.ok(uri.endsWith('/') || !key.endsWith('_namespace'), `${key} ${uri}`);
  }
  const api = await (await fetch(`${deployment.url}/openapi.json`)).json();
  const operations = Object.values(api.paths).flatMap((path) => Object.values(path).map((operation) => operation.operationId)).filter(Boolean);
  assert.ok(operations.length > 50);
  const known = new Set(Object.keys(discovered).map((key) => key.replace(/_(endpoint|namespace)$/, '')));
  assert.deepEqual(operations.filter((operation) => !known.has(operation)), []);
});

test('2. The sign-on base has its own document', async () => {
  const told = await (await fetch(`${deployment.url}/oauth2/.well-known/openid-configuration`)).json();
  assert.equal(told.issuer, `${deployment.url}/oauth2`);
  assert.ok(told.token_endpoint.startsWith(told.issuer));
});

test('3. An access token with the API key pair, used for many calls; 401 says how to get one', async () => {
  const answer = await records(deployment, null)('GET', '/fhir/Patient/1');
  refuses(answer, 401, 'login');
  assert.match(answer.headers.get('www-authenticate'), /^Bearer/);
  refuses(await records(deployment, 'eyJhbGciOiJub25lIn0.e30.')('GET', '/fhir/Patient/1'), 401, 'login');
});

test('4. SU-SiteId: missing 400; unknown and not granted 403 with the same body', async () => {
  const token = await tokenFor(deployment);
  const at = (site) => records(deployment, token, site)('GET', '/fhir/Patient');
  refuses(await at(null), 400, 'invalid');
  for (const malformed of ['HC', 'HC123456', 'XX12345', 'HC12-45']) refuses(await at(malformed), 400, 'invalid');
  const [unknown, foreign] = [await at('HCZZZZZ'), await at(FOREIGN_SITE)];
  refuses(unknown, 403, 'forbidden');
  const same = ({ body }) => ({ ...body, id: null });
  assert.deepEqual(same(unknown), same(foreign));
  assert.equal((await at(OTHER_SITE)).status, 200);
});

test('5. HC-API-Version: absent is 1, one that there is not is 400 and names those that there are', async () => {
  for (const [version, status] of [[undefined, 200], ['1', 200], ['2', 400], ['0', 400], ['one', 400]]) {
    const answer = await call('GET', '/fhir/Patient', undefined, version && { 'HC-API-Version': version });
    assert.equal(answer.status, status, version);
    if (status === 200) assert.equal(answer.headers.get('hc-api-version'), '1');
    else refuses(answer, 400, 'invalid');
  }
  const told = await call('GET', '/fhir/Patient', undefined, { 'HC-API-Version': '9' });
  assert.match(told.body.issue[0].diagnostics, /there is 1/);
});

test('6. Content-Type application/fhir+json; application/json and XML too; else 415, and 406 for what cannot be answered', async () => {
  for (const type of ['application/fhir+json', 'application/json']) {
    assert.equal((await call('POST', '/fhir/Patient', patient('Media'), { 'content-type': type })).status, 201);
  }
  const xml = '<Patient xmlns="http://hl7.org/fhir"><name><family value="Media"/></name></Patient>';
  assert.equal((await call('POST', '/fhir/Patient', xml, { 'content-type': 'application/fhir+xml' })).status, 201);
  refuses(await call('POST', '/fhir/Patient', patient('Media'), { 'content-type': 'text/plain' }), 415, 'not-supported');
  refuses(await call('GET', '/fhir/Patient', undefined, { accept: 'text/html' }), 406, 'not-supported');
});

test('7. Standard CRUD: 201 with the persisted resource, id, Location and ETag; PUT gives it back; DELETE 200 with information', async () => {
  const made = await call('POST', `${discovered.create_record_namespace}Patient`, patient('Crud'));
  assert.equal(made.status, 201);
  assert.equal(made.headers.get('content-type'), 'application/fhir+json');
  const { id, meta } = made.body;
  assert.deepEqual(Object.keys(made.body).sort(), ['id', 'meta', 'name', 'resourceType']);
  assert.deepEqual(Object.keys(meta).sort(), ['lastUpdated', 'versionId']);
  assert.match(meta.lastUpdated, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  assert.equal(made.headers.get('etag'), 'W/"1"');
  assert.equal(made.headers.get('location'), `${deployment.url}/fhir/Patient/${id}/_history/1`);
  const place = `/fhir/Patient/${id}`;
  assert.deepEqual((await call('GET', place)).body, made.body);
  const put = await call('PUT', place, { ...made.body, active: true }, { 'If-Match': 'W/"1"' });
  assert.equal(put.status, 200);
  assert.equal(put.body.active, true);
  assert.equal(put.headers.get('etag'), 'W/"2"');
  refuses(await call('PUT', place, made.body, { 'If-Match': 'W/"1"' }), 412, 'conflict');
  assert.equal((await call('GET', place, undefined, { 'If-None-Match': 'W/"2"' })).status, 304);
  const deleted = await call('DELETE', place);
  assert.equal(deleted.status, 200);
  assert.equal(deleted.body.resourceType, 'OperationOutcome');
  assert.equal(deleted.body.issue[0].severity, 'information');
  refuses(await call('GET', place), 410, 'deleted');
});

test('8. Conditional create by If-None-Exist', async () => {
  const once = patient('Once', { identifier: [{ system: 'urn:example:replay', value: 'once' }] });
  const condition = { 'If-None-Exist': 'identifier=urn:example:replay|once' };
  assert.equal((await call('POST', '/fhir/Patient', once, condition)).status, 201);
  assert.equal((await call('POST', '/fhir/Patient', once, condition)).status, 200);
});

test('9. Lists: searchset; with page and count a collection with total and the tags page, count and maxCount', async () => {
  const family = 'Listed';
  for (const birthDate of ['1990-01-01', '1991-01-01', '1992-01-01']) await call('POST', '/fhir/Patient', patient(family, { birthDate }));
  const searchset = await call('GET', `/fhir/Patient?family=${family}`);
  assert.equal(searchset.body.type, 'searchset');
  assert.equal(searchset.body.entry.length, 3);
  const page = await call('GET', `/fhir/Patient?family=${family}&_sort=-birthdate&page=2&count=2`);
  assert.equal(page.status, 200);
  assert.equal(page.body.type, 'collection');
  assert.equal(page.body.total, 3);
  assert.deepEqual(page.body.meta.tag.map(({ code, display }) => [code, display]), [['page', '2'], ['count', '2'], ['maxCount', '500']]);
  assert.deepEqual(page.body.entry.map((entry) => entry.resource.birthDate), ['1990-01-01']);
  const either = await call('GET', `/fhir/Patient?family=Nobody,${family}`);
  assert.equal(either.body.entry.length, 3, 'a comma is OR');
  const nobody = await call('GET', '/fhir/Patient?family=Nobody');
  assert.equal(nobody.status, 200, 'no match is no error');
  assert.equal(nobody.body.entry ?? null, null);
});

test('10. Ranges: both ends in; prefixes; _since reaches 90 days back', async () => {
  const of = (date) => ({ resourceType: 'Observation', status: 'final', code: { text: 'range' }, effectiveDateTime: date });
  for (const day of ['2025-04-30', '2025-05-01', '2025-05-03', '2025-05-04']) await call('POST', '/fhir/Observation', of(`${day}T12:00:00Z`));
  const days = async (query) => (await call('GET', `/fhir/Observation?${query}&_sort=date`)).body.entry.map((entry) => entry.resource.effectiveDateTime.slice(0, 10));
  assert.deepEqual(await days('date=2025-05-01_2025-05-03'), ['2025-05-01', '2025-05-03']);
  assert.deepEqual(await days('date=ge2025-05-03'), ['2025-05-03', '2025-05-04']);
  assert.deepEqual(await days('date=le2025-05-01'), ['2025-04-30', '2025-05-01']);
  const ago = (days) => new Date(Date.now() - days * 86_400_000).toISOString();
  assert.equal((await call('GET', `/fhir/Observation?_since=${ago(89)}`)).body.entry.length, 4);
  refuses(await call('GET', `/fhir/Observation?_since=${ago(92)}`), 400, 'invalid');
});

test('11. _include and _revinclude', async () => {
  const one = (await call('POST', '/fhir/Patient', patient('Included'))).body;
  await call('POST', '/fhir/Condition', { resourceType: 'Condition', subject: { reference: `Patient/${one.id}` } });
  const modes = async (path) => (await call('GET', path)).body.entry.map((entry) => [entry.resource.resourceType, entry.search.mode]);
  assert.deepEqual(await modes(`/fhir/Condition?subject=Patient/${one.id}&_include=Condition:subject`), [['Condition', 'match'], ['Patient', 'include']]);
  assert.deepEqual(await modes(`/fhir/Patient?_id=${one.id}&_revinclude=Condition:subject`), [['Patient', 'match'], ['Condition', 'include']]);
});

test('12. Times come in with or without an offset and go out in UTC', async () => {
  const made = await call('POST', '/fhir/Observation', { resourceType: 'Observation', status: 'final', code: { text: 'zone' }, effectiveInstant: '2026-01-01T01:30:00+02:00' });
  assert.equal(made.status, 201);
  const found = async (query) => (await call('GET', `/fhir/Observation?code:text=zone&${query}`)).body.entry?.length ?? 0;
  assert.equal(await found('date=ge2025-12-31T23:30:00Z&date=lt2025-12-31T23:31:00Z'), 1);
  assert.equal(await found('date=ge2025-12-31T23:30:00&date=lt2025-12-31T23:31:00'), 1, 'without an offset it is UTC');
  assert.match(made.body.meta.lastUpdated, /Z$/);
});

test('13. A subscription that is missing is named, and what administrators change is in force and on record', async () => {
  const claim = { resourceType: 'Claim', status: 'active' };
  assert.equal((await call('POST', '/fhir/Claim', claim)).status, 201);
  const plan = (subscriptions) => call('PUT', '/admin/fhir/plan', { subscriptions }, { 'content-type': 'application/json' });
  assert.equal((await plan(['foundation', 'base', 'clinical'])).status, 200);
  const issue = refuses(await call('POST', '/fhir/Claim', claim), 403, 'forbidden');
  assert.match(issue.diagnostics, /financial/);
  assert.equal((await plan(['foundation', 'base', 'clinical', 'financial', 'specialized'])).status, 200);
});

test('14. Every refusal has severity, code, details.coding, diagnostics; the place where there is one', async () => {
  refuses(await call('GET', '/fhir/Patient/none'), 404, 'not-found');
  refuses(await call('GET', '/fhir/Nothing/1'), 404, 'not-found');
  refuses(await call('GET', '/fhir/Patient/1/2/3/4/5'), 404, 'not-found');
  refuses(await call('PUT', '/fhir/metadata', {}), 405, 'not-supported');
  refuses(await call('POST', '/fhir/Patient', '{"resourceType":"Patient",'), 400, 'structure');
  refuses(await call('POST', '/fhir/Patient', `{"resourceType":"Patient","language":"${'x'.repeat(17 << 20)}"}`), 413, 'too-long');
  const unknown = refuses(await call('GET', '/fhir/Patient?colour=red'), 400, 'invalid');
  assert.deepEqual([unknown.expression, unknown.details.coding[0].code], [['colour'], 'MSG_PARAM_UNKNOWN']);
  const token = await tokenFor(deployment, reader);
  refuses(await records(deployment, token)('POST', '/fhir/Patient', patient('Refused')), 403, 'forbidden');
});

test('15. Over the rate limit: 429 in the same words, and when to come back', async () => {
  const slow = await siteWith([], { settings: { HILUM__LIMITS__REQUESTS_PER_MINUTE: '20' } });
  try {
    let answer;
    for (let nth = 0; nth < 40 && answer?.status !== 429; nth += 1) answer = await records(slow, 'none')('GET', '/fhir/Patient');
    refuses(answer, 429, 'throttled');
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
  } finally {
    await tidyUp(slow);
  }
});

test('16. Nothing of one site is visible, countable or reachable from another', async () => {
  const one = (await call('POST', '/fhir/Patient', patient('Apart'))).body;
  const there = records(deployment, await tokenFor(deployment), OTHER_SITE);
  refuses(await there('GET', `/fhir/Patient/${one.id}`), 404, 'not-found');
  assert.equal((await there('GET', '/fhir/Patient?_summary=count')).body.total, 0);
  const made = await there('POST', '/fhir/Observation', { resourceType: 'Observation', status: 'final', code: { text: 'apart' }, subject: { reference: `Patient/${one.id}` } });
  assert.equal(made.status, 201);
  assert.equal((await there('GET', '/fhir/Observation?_include=Observation:subject')).body.entry.length, 1);
  assert.equal((await there('GET', '/fhir/Observation?subject:Patient.family=apart&_summary=count')).body.total, 0);
  assert.equal((await call('GET', '/fhir/Patient?family=apart&_revinclude=Observation:subject')).body.entry.length, 1);
});
