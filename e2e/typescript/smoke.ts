// The generated types with openapi-fetch: every call is checked by the compiler, and made.
import createClient from 'openapi-fetch';
import type { paths } from './generated/hilum.js';

const [url = '', key = '', site = '', source = '', token = ''] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: url, headers: { 'x-api-key': key } });

function done<T>(what: string, { data, response }: { data?: T; response: Response }): T {
  if (data === undefined) throw new Error(`${what}: ${response.status}`);
  return data;
}

const made = done('create', await client.POST('/api/v1/integrations', {
  body: {
    name: 'From TypeScript', type: 'fhir', provider: 'custom', credentials: { token },
    config: { base_url: source, auth_type: 'bearer', site_id: site, resource_types: ['Patient'] },
  },
}));
const { id } = made;
const listed = done('list', await client.GET('/api/v1/integrations', { params: { query: { type: 'fhir', size: 100 } } }));
if (!listed.items.some((one) => one.id === id)) throw new Error('what was made is not listed');
const got = await client.GET('/api/v1/integrations/{id}', { params: { path: { id } } });
done('get', got);
const patched = done('patch', await client.PATCH('/api/v1/integrations/{id}', {
  params: { path: { id }, header: { 'If-Match': got.response.headers.get('etag') ?? '' } },
  body: { sync_frequency: 'every 4 hours' },
  headers: { 'content-type': 'application/merge-patch+json' },
}));
if (patched.sync_frequency !== 'every 4 hours') throw new Error('the change is not there');
const tested = done('test', await client.POST('/api/v1/integrations/{id}/test', { params: { path: { id } } }));
if (tested.status === 'error') throw new Error(tested.message);
done('activate', await client.POST('/api/v1/integrations/{id}/activate', { params: { path: { id } } }));
const begun = done('sync', await client.POST('/api/v1/integrations/{id}/sync', { params: { path: { id } }, body: { sync_type: 'full' } }));
const deadline = Date.now() + 60_000;
let job;
do job = done('status', await client.GET('/api/v1/integrations/sync-jobs/{job_id}', { params: { path: { job_id: begun.job_id } } }));
while (!job.finished_at && Date.now() < deadline);
if (job.status !== 'done') throw new Error(`the sync is ${job.status}`);

const syncs = done('syncs', await client.GET('/api/v1/integrations/{id}/sync-jobs', { params: { path: { id: made.id } } }));
if (syncs.items[0]?.job_id !== job.job_id) throw new Error('the sync is not listed');

const endpoint = done('endpoint', await client.POST('/api/v1/integrations/webhooks', { body: { name: 'From TypeScript', url: 'https://hooks.example.org/in' } }));
const endpoints = done('endpoints', await client.GET('/api/v1/integrations/webhooks', { params: { query: { state: 'enabled' } } }));
if (!endpoints.items.some((one) => one.id === endpoint.id)) throw new Error('the endpoint is not listed');
const link = done('link', await client.POST('/api/v1/integrations/webhooks/{endpoint}/receiver-links', { params: { path: { endpoint: endpoint.id } }, body: { name: 'Partner' } }));
if (!link.path?.startsWith('/receivers/open/')) throw new Error('the link says nothing of what opens it');
const links = done('links', await client.GET('/api/v1/integrations/webhooks/{endpoint}/receiver-links', { params: { path: { endpoint: endpoint.id } } }));
if (links.items[0]?.path !== undefined) throw new Error('what opens a link is shown twice');
const deleted = await client.DELETE('/api/v1/integrations/webhooks/{endpoint}', { params: { path: { endpoint: endpoint.id } } });
if (!deleted.response.ok) throw new Error(`delete: ${deleted.response.status}`);
const refused = await client.GET('/api/v1/integrations/{id}', { params: { path: { id: 'int_0' } } });
if (refused.error?.error.code !== 'INT001') throw new Error('a refusal has its code');
console.log(`${job.report.received} received`);
