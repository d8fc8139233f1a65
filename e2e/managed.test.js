// Every call that `Integrations API Documentation` documents, as staff make it: what it answers has exactly the fields of contract 4, and what it refuses is
// refused in the documented words.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Staff, TOKEN, fhirSource } from './support/staff.js';

const PATIENTS = 30;
const INTEGRATION = [
  'archived_at', 'capabilities', 'config', 'created_at', 'created_by', 'credentials', 'id', 'last_sync', 'name', 'next_sync', 'org_id', 'provider', 'status',
  'study_ids', 'sync_frequency', 'test_status', 'tested_at', 'type', 'updated_at', 'updated_by', 'version',
];
const ERROR = ['code', 'details', 'field', 'message', 'request_id', 'timestamp'];

let staff, source, site, id, etag;
const fields = (object) => Object.keys(object).sort();
const at = (verb = '') => `/${id}${verb}`;
const clinic = () => ({
  name: 'Clinic', type: 'fhir', provider: 'custom', sync_frequency: 'every 4 hours', credentials: { token: TOKEN },
  config: { base_url: source.base, auth_type: 'bearer', site_id: site, resource_types: ['Patient'] },
});

before(async () => {
  source = await fhirSource(PATIENTS);
  staff = await Staff.make({ allowed: [source.host] });
  site = await staff.siteId();
});
after(async () => {
  await staff?.deployment.remove();
  source?.server.close();
});

// A refusal as it is documented: the envelope, its code, the field at fault, and the request in a header too.
async function refused(status, code, field, ...call) {
  const { body, headers } = await staff.want(status, ...call);
  assert.deepEqual(fields(body), ['error']);
  assert.deepEqual(fields(body.error), ERROR);
  assert.equal(body.error.code, code);
  assert.equal(body.error.field, field);
  assert.match(body.error.request_id, /^req_/);
  assert.equal(body.error.request_id, headers.get('x-request-id'));
  assert.ok(Math.abs(Date.parse(body.error.timestamp) - Date.now()) < 60_000, body.error.timestamp);
  return body.error;
}

test('2. POST /api/v1/integrations adds an integration', async () => {
  const { body, headers } = await staff.want(201, 'POST', '', clinic(), { 'idempotency-key': 'one' });
  assert.deepEqual(fields(body), INTEGRATION);
  assert.match(body.id, /^int_[0-9a-f]{32}$/);
  assert.equal(headers.get('location'), `/api/v1/integrations/${body.id}`);
  assert.deepEqual([body.status, body.version, body.credentials.token.set], ['pending', 1, true]);
  assert.deepEqual(fields(body.credentials.token), ['fingerprint', 'set']);
  ({ id } = body);
  const again = await staff.want(201, 'POST', '', clinic(), { 'idempotency-key': 'one' });
  assert.equal(again.body.id, id, 'the same key and body make nothing twice');
  await refused(409, 'INT004', 'name', 'POST', '', clinic());
  await refused(422, 'INT002', 'config.base_url', 'POST', '', { ...clinic(), name: 'Other', config: { ...clinic().config, base_url: 7 } });
  await refused(400, 'INT002', 'surprise', 'POST', '', { ...clinic(), surprise: 1 });
});

test('1. GET /api/v1/integrations lists integrations', async () => {
  const { body, headers } = await staff.want(200, 'GET', '?page=1&size=20&type=fhir&status=pending&provider=custom&q=clin&sort=-created_at');
  assert.deepEqual(fields(body), ['items', 'page', 'pages', 'size', 'total']);
  assert.deepEqual([body.total, body.page, body.size, body.pages], [1, 1, 20, 1]);
  assert.deepEqual(fields(body.items[0]), INTEGRATION);
  assert.match(headers.get('link'), /rel="first"/);
  const known = await staff.ask('GET', '?page=1&size=20&type=fhir&status=pending&provider=custom&q=clin&sort=-created_at', undefined, { 'if-none-match': headers.get('etag') });
  assert.equal(known.status, 304);
  await refused(422, 'INT002', 'size', 'GET', '?size=101');
  await refused(400, 'INT002', 'surprise', 'GET', '?surprise=1');
});

test('3. GET /api/v1/integrations/{id} gets an integration', async () => {
  const { body, headers } = await staff.want(200, 'GET', at());
  assert.deepEqual(fields(body), INTEGRATION);
  etag = headers.get('etag');
  assert.equal((await staff.ask('GET', at(), undefined, { 'if-none-match': etag })).status, 304);
  await refused(404, 'INT001', null, 'GET', '/int_00000000000000000000000000000000');
  const foreign = await staff.others.ask('GET', at());
  assert.deepEqual([foreign.status, foreign.body.error.code], [404, 'INT001'], 'what is not yours is not there');
});

test('4. PUT and PATCH /api/v1/integrations/{id} update an integration', async () => {
  const whole = { ...clinic(), name: 'Clinic of the north' };
  await refused(428, 'INT002', 'If-Match', 'PUT', at(), whole);
  await refused(412, 'INT004', 'If-Match', 'PUT', at(), whole, { 'if-match': '"7.x"' });
  const put = await staff.want(200, 'PUT', at(), whole, { 'if-match': etag });
  assert.deepEqual(fields(put.body), INTEGRATION);
  assert.deepEqual([put.body.name, put.body.version], ['Clinic of the north', 2]);
  const unsaid = { config: { page_size: 50 } };
  const patched = { 'if-match': put.headers.get('etag'), 'content-type': 'application/merge-patch+json' };
  const frequency = await staff.want(200, 'PATCH', at(), { sync_frequency: 'manual' }, patched);
  assert.equal(frequency.body.sync_frequency, 'manual');
  const { body } = await staff.ask('PATCH', at(), unsaid, { ...patched, 'if-match': frequency.headers.get('etag') });
  assert.equal(body.error.code, 'INT002', 'what is regulated is changed for a reason');
});

test('6. POST /api/v1/integrations/{id}/test tests an integration', async () => {
  const { body } = await staff.want(200, 'POST', at('/test'));
  assert.deepEqual(fields(body), ['details', 'integration_id', 'message', 'status', 'tested_at', 'tested_by']);
  assert.deepEqual(fields(body.details), ['api_version', 'permissions', 'response_time_ms', 'steps']);
  assert.ok(body.details.steps.length > 4);
  for (const step of body.details.steps) assert.deepEqual(fields(step), ['duration_ms', 'message', 'name', 'outcome']);
  assert.ok(['success', 'warning'].includes(body.status), JSON.stringify(body));
  assert.equal(body.integration_id, id);
  const { body: kept } = await staff.want(200, 'GET', at('/tests?limit=1'));
  assert.deepEqual(kept.items, [body], 'what was answered is kept');
  await refused(404, 'INT001', null, 'GET', '/int_00000000000000000000000000000000/tests');
});

test('8. POST /api/v1/integrations/{id}/sync syncs data, and its job tells how it goes', async () => {
  await refused(409, 'INT004', null, 'POST', at('/sync'), {});
  await staff.want(200, 'POST', at('/activate'));
  const { body } = await staff.want(202, 'POST', at('/sync'), { sync_type: 'full', options: {} });
  assert.deepEqual(fields(body), ['estimated_duration_minutes', 'initiated_at', 'initiated_by', 'integration_id', 'job_id', 'options', 'status', 'sync_type']);
  assert.match(body.job_id, /^sync_[0-9a-f]{32}$/);
  assert.deepEqual([body.integration_id, body.status, body.sync_type, body.options], [id, 'queued', 'full', {}]);
  const deadline = Date.now() + 60_000;
  let job;
  do job = (await staff.want(200, 'GET', `/sync-jobs/${body.job_id}`)).body;
  while (job.finished_at === null && Date.now() < deadline);
  assert.deepEqual([job.status, job.report.received, job.report.stored], ['done', PATIENTS, PATIENTS], JSON.stringify(job));
  assert.deepEqual(fields(job.report), ['deleted', 'quarantined', 'received', 'stored', 'unchanged']);
  await refused(400, 'INT002', 'sync_type', 'POST', at('/sync'), { sync_type: 'some' });
  await refused(404, 'INT001', null, 'POST', '/int_00000000000000000000000000000000/sync', {});
});

test('7. GET /api/v1/integrations/{id}/logs gets logs', async () => {
  const deadline = Date.now() + 30_000;
  let body;
  do ({ body } = await staff.want(200, 'GET', at('/logs?limit=100')));
  while (!body.logs.some((line) => line.details.records_processed !== undefined) && Date.now() < deadline);
  assert.deepEqual(fields(body), ['filters', 'integration_id', 'logs', 'total_count']);
  assert.deepEqual(fields(body.filters), ['end_date', 'limit', 'log_level', 'q', 'start_date']);
  for (const line of body.logs) assert.deepEqual(fields(line), ['details', 'level', 'message', 'timestamp']);
  const times = body.logs.map((line) => line.timestamp);
  assert.deepEqual(times, [...times].sort().reverse(), 'newest first');
  const synced = body.logs.find((line) => line.details.records_processed === PATIENTS);
  assert.ok(synced && synced.details.duration_ms >= 0, JSON.stringify(body.logs));
  assert.ok(!JSON.stringify(body).includes(TOKEN), 'never a credential');
  await refused(422, 'INT002', 'limit', 'GET', at('/logs?limit=1001'));
  await refused(422, 'INT002', 'start_date', 'GET', at('/logs?start_date=yesterday'));
});

test('5. DELETE /api/v1/integrations/{id} puts an integration away', async () => {
  assert.equal((await staff.want(204, 'DELETE', at())).body, null);
  await refused(404, 'INT001', null, 'GET', at());
  await refused(404, 'INT001', null, 'DELETE', at());
  const { body } = await staff.want(200, 'POST', at('/restore'));
  assert.deepEqual([fields(body), body.status], [INTEGRATION, 'inactive']);
  const { body: record } = await staff.want(200, 'GET', at('/audit'));
  assert.deepEqual(fields(record), ['changes', 'has_more', 'integration_id']);
  for (const change of record.changes) assert.deepEqual(fields(change), ['act', 'new', 'old', 'reason', 'timestamp', 'user', 'version']);
});

test('the error codes are those that are documented', async () => {
  await refused(404, 'INT001', null, 'GET', '/nowhere/at/all');
  await refused(405, 'INT002', null, 'PUT', '/providers', {});
  await refused(415, 'INT002', null, 'POST', '', clinic(), { 'content-type': 'text/plain' });
  await refused(401, 'INT003', null, 'GET', '', undefined, { 'x-api-key': 'k7m2qd.nobody.hlm_ak_wrong' });
  const twice = JSON.stringify({ ...clinic(), name: 'Second' }).replace('{', '{"name":"First",');
  for (const body of [twice, '[]', '7', '{"name":', '"\u0000"', `${'['.repeat(65)}${']'.repeat(65)}`]) {
    const answer = await fetch(`${staff.url}/api/v1/integrations`, { method: 'POST', headers: { 'x-api-key': staff.key, 'content-type': 'application/json' }, body });
    assert.deepEqual([answer.status, (await answer.json()).error.code], [400, 'INT002'], body);
  }
  const long = await fetch(`${staff.url}/api/v1/integrations`, {
    method: 'POST', headers: { 'x-api-key': staff.key, 'content-type': 'application/json' }, body: JSON.stringify({ name: 'x'.repeat(3 << 20) }),
  });
  assert.deepEqual([long.status, (await long.json()).error.code], [413, 'INT002']);
  assert.equal((await staff.want(200, 'GET', '')).body.total, 1, 'nothing was stored');
});
