// The documented calls of the regional engine and of client connections, answered with exactly the documented fields.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { Deployment } from './support/hilum.js';

const engine = { id: 'regional.engine', secret: 'engine-secret-of-the-tests-0123456789abcdefgh' };
const platform = { id: 'platform.admin', secret: 'platform-secret-of-the-tests-0123456789abcdef' };
const clinic = { id: 'harbour.clinic', secret: 'clinic-secret-of-the-tests-0123456789abcdefgh' };
const connecting = 'client:read connection:read connection:write connection:refresh_secret connection:delete client:admin';

const client = ({ id, secret }, scopes, more) => `
[[client]]
client_id = "${id}"
name = "${id}"
uri = "https://${id}.example"
grant_types = ["client_credentials"]
scopes = "${scopes}"
secret = "${secret}"
${more}
`;
const declarations = `
[organisation]
slug = "northwind"
name = "Northwind Hospital"
${client(engine, 'system/*.*', 'profile = "legacy"\nmetadata = { token_by_get = true }')}
${client(platform, connecting, 'client_type = "MITHRIL_ADMIN"')}${client(clinic, connecting, 'client_type = "MSP"')}`;

let deployment;
before(async () => {
  deployment = await Deployment.make({ declarations });
  await deployment.start();
});
after(() => deployment.remove());

const basic = ({ id, secret }) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

// `fetch` sends no body with GET.
const ask = (method, path, headers, body = '') => new Promise((resolve, reject) => {
  const sent = request(`${deployment.url}${path}`, { method, headers: { ...headers, 'content-length': Buffer.byteLength(body) } }, async (answer) => {
    const text = (await answer.toArray()).join('');
    resolve({ status: answer.statusCode, headers: answer.headers, body: text ? JSON.parse(text) : null });
  });
  sent.on('error', reject).end(body);
});

const form = { 'content-type': 'application/x-www-form-urlencoded' };
const token = async (who) => (await ask('POST', '/oauth2/token', { ...form, authorization: basic(who) }, 'grant_type=client_credentials')).body.access_token;

test('the configuration has every documented key, and none of them is empty', async () => {
  const { status, body } = await ask('GET', '/oauth2/.well-known/openid-configuration', {});
  assert.equal(status, 200);
  const places = { authorization_endpoint: 'authorize', token_endpoint: 'token', userinfo_endpoint: 'userinfo', revocation_endpoint: 'revocation', introspection_endpoint: 'introspection', jwks_uri: 'jwks' };
  for (const [key, place] of Object.entries(places)) assert.equal(body[key], `${deployment.url}/oauth2/${place}`, key);
  for (const scope of ['openid', 'profile', 'email', 'address', 'phone', 'system/*.*']) assert.ok(body.scopes_supported.includes(scope), scope);
  for (const key of ['issuer', 'response_modes_supported', 'code_challenge_methods_supported', 'grant_types_supported']) assert.ok(body[key].length > 0, key);
});

test('the token by GET, as documented', async () => {
  const documented = { ...form, authorization: basic(engine) };
  const { status, body } = await ask('GET', '/oauth2/token', documented, 'grant_type=client_credentials&scope=system/*.*');
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(Object.keys(body).sort(), ['access_token', 'expires_in', 'scope', 'token_type']);
  assert.match(body.token_type, /^bearer$/i);
  assert.equal(body.expires_in, 3600);
  assert.equal(body.scope, 'system/*.*');
  const inQuery = await ask('GET', '/oauth2/token?grant_type=client_credentials', documented);
  assert.notEqual(inQuery.status, 200);
  const other = await ask('GET', '/oauth2/token', { ...form, authorization: basic(clinic) }, 'grant_type=client_credentials');
  assert.deepEqual([other.status, other.headers.allow], [405, 'POST']);
});

test('introspection of what is no token', async () => {
  const { status, body } = await ask('POST', '/oauth2/introspection', { ...form, authorization: basic(engine) }, 'token={token}');
  assert.equal(status, 200);
  assert.deepEqual(body, { active: false });
});

test('the connections of a client, as documented', async () => {
  const json = { 'content-type': 'application/json' };
  const admin = { ...json, authorization: `Bearer ${await token(platform)}` };
  const own = { ...json, authorization: `Bearer ${await token(clinic)}`, 'api-key': 'uXhEczJ56adsfh3Ri9SUkc4en' };
  const [{ id }] = (await ask('GET', '/api/clients', own)).body.data;
  const made = await ask('PUT', `/admin/clients/${id}/connections`, admin, JSON.stringify({ consumer_id: id, redirect_uri: 'https://example2.com' }));
  assert.equal(made.status, 201);
  const { secret, ...shown } = made.body.data;
  assert.match(secret, /^[A-Za-z0-9_-]{32}$/);
  const { status, headers, body } = await ask('GET', `/api/clients/${id}/connections`, own);
  assert.equal(status, 200);
  assert.match(body.meta.request_id, /^[0-9a-f-]{36}#\d+$/);
  assert.equal(headers['x-request-id'], body.meta.request_id);
  assert.deepEqual(body, {
    meta: { code: 200, url: `${deployment.url}/api/clients/${id}/connections`, type: 'list', request_id: body.meta.request_id },
    data: [shown],
    paging: { page_number: 1, page_size: 50, total_entries: 1, total_pages: 1 },
  });
  assert.deepEqual(Object.keys(shown).sort(), ['client_id', 'consumer_id', 'id', 'inserted_at', 'redirect_uri', 'updated_at']);
});
