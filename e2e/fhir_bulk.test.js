// Records in bulk through a client that others wrote, untouched: SMART's own, PyPI smart-fetch.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { OTHER_SITE, SITE, records, siteWith, tokenFor } from './support/fhir.js';
import { tidyUp } from './support/link.js';

const root = path.resolve(import.meta.dirname, '..');
const python = path.join(root, 'target/python/bin/python');
const script = path.join(import.meta.dirname, 'python/bulk_client.py');

let deployment, token, folder;

before(async () => {
  deployment = await siteWith();
  token = await tokenFor(deployment);
  folder = await mkdtemp(path.join(tmpdir(), 'hilum-bulk-'));
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
  await tidyUp(deployment);
});

test("SMART's bulk client exports a site: kick-off, status, files, and its end", async () => {
  const call = records(deployment, token);
  for (let nth = 0; nth < 30; nth++) {
    assert.equal((await call('PUT', `/fhir/Patient/p${nth}`, { resourceType: 'Patient', id: `p${nth}` })).status, 201);
    const seen = { resourceType: 'Observation', status: 'final', code: { text: 'pulse' }, subject: { reference: `Patient/p${nth}` } };
    assert.equal((await call('POST', '/fhir/Observation', seen)).status, 201);
  }
  await records(deployment, token, OTHER_SITE)('POST', '/fhir/Patient', { resourceType: 'Patient' });
  const { stdout } = await promisify(execFile)(python, [script, `${deployment.url}/fhir`, token, SITE, folder]);
  const said = JSON.parse(stdout.trim().split('\n').at(-1));
  assert.deepEqual(said.records, { Observation: 30, Patient: 30 });
  assert.deepEqual(said.log.filter((one) => !/^(download|status_progress|status_page)/.test(one)), ['kickoff', 'status_complete', 'manifest_complete', 'export_complete']);
});
