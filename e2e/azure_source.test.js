// A container of Azure Blob Storage as a source: Azurite, by the account's key and by a shared access signature, from registering it to records of a site.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { freePort } from './support/hilum.js';
import { Staff } from './support/staff.js';

const ACCOUNT = 'northwind';
const KEY = Buffer.from('not-a-secret-of-anybody-but-of-this-test-alone-and-64-bytes-long').toString('base64');
const VERSION = '2021-12-02';
const ENDS = '2999-01-01T00:00:00Z';
const azurite = path.resolve(import.meta.dirname, 'azurite/node_modules/.bin/azurite-blob');

const signed = (text) => createHmac('sha256', Buffer.from(KEY, 'base64')).update(text, 'utf8').digest('base64');
let store, staff;

before(async () => {
  const port = await freePort();
  const words = ['--inMemoryPersistence', '--disableTelemetry', '--silent', '--blobHost', '127.0.0.1', '--blobPort', port];
  const child = spawn(azurite, words, { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, AZURITE_ACCOUNTS: `${ACCOUNT}:${KEY}` } });
  for await (const bytes of child.stdout) if (String(bytes).includes('successfully listen')) break;
  store = { child, host: `127.0.0.1:${port}` };
  staff = await Staff.make({ allowed: [store.host] });
});
after(async () => {
  store?.child.kill('SIGKILL');
  await staff?.deployment.remove();
});

// A container, or a blob with this text.
async function put(name, text) {
  const fields = { 'x-ms-date': new Date().toUTCString(), 'x-ms-version': VERSION };
  if (text !== undefined) fields['x-ms-blob-type'] = 'BlockBlob';
  const own = Object.keys(fields).sort().map((field) => `${field}:${fields[field]}\n`).join('');
  const [at, of] = [`/${ACCOUNT}/${name}`, text === undefined ? '\nrestype:container' : ''];
  const type = text === undefined ? '' : 'text/csv';
  const to = ['PUT', '', '', text === undefined ? '' : Buffer.byteLength(text), '', type, '', '', '', '', '', '', `${own}/${ACCOUNT}${at}${of}`];
  const answer = await fetch(`http://${store.host}${at}${of && '?restype=container'}`, {
    method: 'PUT', body: text, headers: { ...fields, ...(type && { 'content-type': type }), authorization: `SharedKey ${ACCOUNT}:${signed(to.join('\n'))}` },
  });
  assert.equal(answer.status, 201, await answer.text());
}

// A signature that lets somebody read and list a container.
function shared(container) {
  const fields = ['rl', '', ENDS, `/blob/${ACCOUNT}/${container}`, '', '', '', '2020-12-06', 'c', '', '', '', '', '', '', ''];
  return `?${new URLSearchParams({ sv: '2020-12-06', sr: 'c', sp: 'rl', se: ENDS, sig: signed(fields.join('\n')) })}`;
}

async function declared(name, container, credentials) {
  const mapping = { streams: { 'people*.csv': [{ target: 'Patient', key: '/mrn', set: { 'identifier[0].value': '/mrn', 'name[0].family': '/name' } }] } };
  const { body } = await staff.want(201, 'POST', '', {
    name, type: 'cloud_storage', provider: 'azure_blob', sync_frequency: 'manual', credentials,
    config: {
      endpoint: `http://${store.host}/${ACCOUNT}`, account: ACCOUNT, bucket: container, prefix: 'in/', file_patterns: ['people*.csv'], key_columns: ['mrn'], settle_s: 0,
      site_id: await staff.siteId(), mapping,
    },
  });
  return body.id;
}

test('a container is tested, switched on and synced, by key and by signature', { timeout: 120_000 }, async () => {
  for (const [container, credentials, from] of [['keyed', { account_key: KEY }, 0], ['shared', { sas_token: shared('shared') }, 100]]) {
    await put(container);
    await put(`${container}/in/people.csv`, `mrn,name\n${Array.from({ length: 50 }, (_, n) => `m${from + n},Family ${n}`).join('\n')}\n`);
    const id = await declared(container, container, credentials);
    const { body: tested } = await staff.want(200, 'POST', `/${id}/test`);
    assert.equal(tested.status, 'warning', JSON.stringify(tested)); // nothing is encrypted on the way
    assert.equal(tested.details.steps.at(-1).outcome, 'passed', JSON.stringify(tested));
    await staff.want(200, 'POST', `/${id}/activate`);
    const run = await staff.synced(id, 'full');
    assert.deepEqual([run.status, run.report.received, run.report.stored], ['done', 50, 50], JSON.stringify(run));
  }
});

test('what is wrong with a credential is said, and it is not repeated', async () => {
  for (const [name, credentials, words] of [
    ['Unsigned', { sas_token: 'canary-token' }, 'sas_token'],
    ['No key', { account_key: 'canary!' }, 'account_key'],
    // Azurite answers that as it does what is not allowed: AuthorizationFailure.
    ['Another key', { account_key: Buffer.from('another').toString('base64') }, 'does not let us read'],
    ['None', {}, 'neither'],
  ]) {
    const id = await declared(name, 'keyed', credentials);
    const { body } = await staff.want(200, 'POST', `/${id}/test`);
    assert.equal(body.status, 'error', name);
    assert.ok(body.message.includes(words) && !JSON.stringify(body).includes('canary'), `${name}: ${body.message}`);
  }
});
