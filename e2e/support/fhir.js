// A site with records: one that clients call for themselves and for people, its codes, and a token for it.
import { application, deploymentFor } from './clients.js';

export const SITE = 'HCNWMN1';
export const OTHER_SITE = 'HCNWHB1';

// An application that may do everything with the records of its organisation's sites.
export const engine = application('engine', { redirectUri: 'http://127.0.0.1:9/engine', grants: ['client_credentials'], scopes: 'system/*.cruds sites:admin' });

// A deployment with two sites, the engine and these further applications, started.
export function siteWith(clients = [], { organisation = '', ...options } = {}) {
  return deploymentFor([engine, ...clients], {
    organisation: `sites = { main = "Main building", harbour = "Harbour clinic" }
codes = { main = "${SITE}", harbour = "${OTHER_SITE}" }
validation = "off"
subscriptions = ["foundation", "base", "clinical", "financial", "specialized"]
${organisation}`, ...options,
  });
}

// A token for a client by itself.
export async function tokenFor(deployment, client = engine, scope = client.scopes) {
  const basic = `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`;
  const body = new URLSearchParams({ grant_type: 'client_credentials', scope });
  const answer = await fetch(`${deployment.url}/oauth2/token`, { method: 'POST', headers: { authorization: basic }, body });
  const told = await answer.json();
  if (!told.access_token) throw new Error(`no token: ${JSON.stringify(told)}`);
  return told.access_token;
}

// Everything of a type, page by page, by id and without what a server sets.
export async function everything(call, base, type) {
  const found = {};
  for (let next = `${base}/${type}?_count=50`; next;) {
    const { status, body } = await call('GET', next);
    if (status !== 200) throw new Error(`${next}: ${status} ${JSON.stringify(body)}`);
    for (const { resource } of body.entry ?? []) {
      const { versionId, lastUpdated, ...meta } = resource.meta ?? {};
      found[resource.id] = { ...resource, meta };
    }
    next = body.link?.find(({ relation }) => relation === 'next')?.url;
  }
  return found;
}

// Call the FHIR API under a site.
export function records(deployment, token, site = SITE) {
  return async (method, path, body, headers = {}) => {
    const answer = await fetch(path.startsWith('http') ? path : `${deployment.url}${path}`, {
      method,
      headers: { ...(token && { authorization: `Bearer ${token}` }), ...(site && { 'SU-SiteId': site }), ...(body !== undefined && { 'content-type': 'application/fhir+json' }), ...headers },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    const isJson = /json/.test(answer.headers.get('content-type') ?? '');
    return { status: answer.status, headers: answer.headers, body: isJson && text ? JSON.parse(text) : text };
  };
}
