// An organisation whose staff have an API key, a FHIR server on this machine that they can connect, and calls as they make them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import path from 'node:path';
import { Deployment } from './hilum.js';

const SCOPES = 'integration:read integration:write integration:sync integration:records webhook:read webhook:write sites:admin';
export const BASE = '/api/v1/integrations';
const SYNC_MS_MAX = 90_000;
export const TOKEN = 'token-of-the-source-0123456789';

const secret = (slug) => `hlm_ak_${slug}-${'staff-'.repeat(8)}1`;

// The key of an organisation's staff, as it is declared; it may do `scopes` beside what staff may.
export const staffKey = (slug, scopes = '') => `
[[api_key]]
name = "staff"
scopes = "${SCOPES}${scopes && ` ${scopes}`}"
roles = ["org_admin"]
key = "${secret(slug)}"
`;

const organisation = (slug, code, scopes) => `
[organisation]
slug = "${slug}"
name = "Organisation ${slug}"
sites = { main = "Main building" }
codes = { main = "${code}" }
validation = "off"
subscriptions = ["base", "clinical"]
studies = { "${slug}-101" = "${slug}-101" }
${staffKey(slug, scopes)}`;

// A FHIR server with so many patients, each changed once, that knows one token.
export async function fhirSource(patients) {
  const all = Array.from({ length: patients }, (_, n) => ({
    resourceType: 'Patient', id: `p${n}`, active: true, meta: { versionId: '1', lastUpdated: new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString() },
  }));
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://source');
    const answer = (status, body) => response.writeHead(status, { 'content-type': 'application/fhir+json' }).end(JSON.stringify(body));
    if (url.pathname === '/fhir/metadata') {
      const resource = [{ type: 'Patient', interaction: [{ code: 'search-type' }] }];
      return answer(200, { resourceType: 'CapabilityStatement', fhirVersion: '4.0.1', rest: [{ mode: 'server', resource }] });
    }
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return answer(401, { resourceType: 'OperationOutcome' });
    if (url.pathname === '/fhir/Patient') {
      const since = url.searchParams.get('_lastUpdated')?.replace(/^g[et]/, '') ?? '';
      const entry = all.filter((one) => one.meta.lastUpdated >= since).map((resource) => ({ resource }));
      return answer(200, { resourceType: 'Bundle', type: 'searchset', entry });
    }
    const one = all.find(({ id }) => url.pathname === `/fhir/Patient/${id}`);
    return one ? answer(200, one) : answer(404, { resourceType: 'OperationOutcome' });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, base: `http://127.0.0.1:${server.address().port}/fhir`, host: `127.0.0.1:${server.address().port}` };
}

export class Staff {
  // Two organisations of one deployment; `this` is the first one's staff, `this.others` the second one's. Their keys may do `scopes` beside what staff may;
  // `more` is declared of the first one.
  static async make({ allowed = [], scopes = '', more = '', ...options } = {}) {
    const settings = { HILUM__INTEGRATIONS__ALLOW_INTERNAL: JSON.stringify(allowed) };
    const deployment = await Deployment.make({ declarations: organisation('northwind', 'HCNWMN1', scopes) + more, settings, ...options });
    const of = async (slug, code) => {
      await deployment.load(organisation(slug, code, scopes));
      return Staff.of(deployment, slug);
    };
    const staff = await of('northwind', 'HCNWMN1');
    staff.others = await of('southside', 'HCSSMN1');
    await deployment.start();
    return staff;
  }

  // Those whose key was declared last, of a deployment that is not started yet.
  static async of(deployment, slug) {
    const { stdout } = await deployment.command('load', path.join(deployment.folder, 'declarations.toml'));
    return new Staff(deployment, `${stdout.match(/[a-z0-9]{6}\.staff/)[0]}.${secret(slug)}`);
  }

  constructor(deployment, key) {
    Object.assign(this, { deployment, key, url: deployment.url });
  }

  // The answer whatever it is: its status, header fields and body.
  async ask(method, below, body, headers = {}) {
    const sent = { 'x-api-key': this.key, ...headers };
    if (body !== undefined) sent['content-type'] ??= 'application/json';
    const answer = await fetch(`${this.url}${BASE}${below}`, { method, headers: sent, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text ? JSON.parse(text) : null };
  }

  // The answer, which has to have this status.
  async want(status, method, below, body, headers) {
    const answer = await this.ask(method, below, body, headers);
    assert.equal(answer.status, status, `${method} ${below}: ${JSON.stringify(answer.body)}`);
    return answer;
  }

  // What a sync came to, once it has come to its end.
  async synced(id, sync_type) {
    const { body: begun } = await this.want(202, 'POST', `/${id}/sync`, { sync_type, options: {} });
    const deadline = Date.now() + SYNC_MS_MAX;
    for (;;) {
      const { body: job } = await this.want(200, 'GET', `/sync-jobs/${begun.job_id}`);
      if (job.finished_at !== null) return job;
      if (Date.now() > deadline) throw new Error(`the sync does not end: ${JSON.stringify(job)}\n${this.deployment.logs().slice(-4_000)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  // A test of an integration: each step by its name, with what it said.
  async tested(id) {
    const { body } = await this.want(200, 'POST', `/${id}/test`);
    const steps = Object.fromEntries(body.details.steps.map(({ name, outcome, message }) => [name, { outcome, message }]));
    return { ...body, steps };
  }

  // The id of the site that records come into, as its administrator reads it.
  async siteId() {
    const [id, key] = [this.key.split('.hlm_')[0], `hlm_${this.key.split('.hlm_')[1]}`];
    const authorization = `Basic ${Buffer.from(`${id}:${key}`).toString('base64')}`;
    const body = new URLSearchParams({ grant_type: 'client_credentials', scope: 'sites:admin' });
    const { access_token: token } = await (await fetch(`${this.url}/oauth2/token`, { method: 'POST', headers: { authorization }, body })).json();
    const sites = await (await fetch(`${this.url}/admin/fhir/sites`, { headers: { authorization: `Bearer ${token}` } })).json();
    return sites[0].id;
  }
}
