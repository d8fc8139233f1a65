// The documented calls of the person integrations API, answered with exactly the documented fields; and what must be refused.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { application, native, people, stranger } from './support/declarations.js';
import { api, arrange, link, signedIn, tidyUp } from './support/link.js';
import { Browser } from './support/person.js';

let party, deployment, nadia;

before(async () => {
  ({ party, deployment } = await arrange());
  await deployment.start();
  nadia = await signedIn(deployment);
});
after(() => tidyUp(deployment, party));

const documented = (connected) => ({ name: 'Integration #1', connected, connectUri: `${deployment.url}/integrations/oauth2/integration-1/connect` });

test('GET /integrations/v1/ with and without the slash', async () => {
  for (const path of ['/integrations/v1/', '/integrations/v1']) {
    const answer = await nadia.api('GET', path);
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, [documented(false)]);
  }
});

test('GET /integrations/v1/{id} is one object', async () => {
  assert.deepEqual((await nadia.api('GET', '/integrations/v1/integration-1')).body, documented(false));
});

test('both spellings of the return path work, both at once do not', async () => {
  for (const spelling of ['returnPath', 'ReturnPath']) {
    const at = await nadia.browser.request(`${deployment.url}/integrations/oauth2/integration-1/connect?client_id=${application.id}&${spelling}=/goto_page`);
    assert.equal(at.status, 303);
    const there = new URL(at.headers.get('location'));
    assert.equal(there.origin, party.url);
    assert.equal(there.searchParams.get('code_challenge_method'), 'S256');
    assert.ok(there.searchParams.get('state').length >= 43 && there.searchParams.get('nonce'));
  }
  const both = await nadia.browser.request(`${deployment.url}/integrations/oauth2/integration-1/connect?client_id=${application.id}&returnPath=/a&ReturnPath=/a`);
  assert.equal(both.status, 400);
});

test('a custom scheme is returned to as documented', async () => {
  const pocket = await signedIn(deployment, { client: native, person: people.omar });
  const back = await link(deployment, pocket.browser, { client: native, account: 'omar-there', returnPath: '/goto_page' });
  assert.equal(back, 'myapplication://goto_page');
});

test('no trust looks exactly like no such integration', async () => {
  const other = await signedIn(deployment, { client: stranger });
  assert.deepEqual((await other.api('GET', '/integrations/v1/')).body, []);
  const [untrusted, unknown] = [await other.api('GET', '/integrations/v1/integration-1'), await other.api('GET', '/integrations/v1/integration-9')];
  const same = ({ status, body }) => ({ status, ...body, request_id: null, instance: null });
  assert.equal(untrusted.status, 404);
  assert.deepEqual(same(untrusted), same(unknown));
});

test('errors are problem+json and say how to authenticate', async () => {
  const answer = await fetch(`${deployment.url}/integrations/v1/`);
  assert.equal(answer.status, 401);
  assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  assert.match(answer.headers.get('www-authenticate'), /^Bearer/);
  const forged = await api(deployment.url, 'eyJhbGciOiJub25lIn0.e30.')('GET', '/integrations/v1/');
  assert.equal(forged.status, 401);
  assert.match(forged.headers.get('www-authenticate'), /error="invalid_token"/);
});

test('unlinking needs the scope', async () => {
  const reader = await signedIn(deployment, { scope: 'openid' });
  const answer = await reader.api('DELETE', '/integrations/v1/integration-1');
  assert.equal(answer.status, 403);
  assert.match(answer.headers.get('www-authenticate'), /insufficient_scope/);
});

test('a state is good once, in the browser that began', async () => {
  const begin = await nadia.browser.request(`${deployment.url}/integrations/oauth2/integration-1/connect?client_id=${application.id}&returnPath=/x`);
  const state = new URL(begin.headers.get('location')).searchParams.get('state');
  const callback = `${deployment.url}/integrations/oauth2/integration-1/callback?state=${state}&error=access_denied&iss=${encodeURIComponent(party.url)}`;
  const elsewhere = await new Browser().request(callback);
  assert.ok(elsewhere.status >= 400, `another browser got ${elsewhere.status}`);
  const mixedUp = await nadia.browser.request(callback.replace(encodeURIComponent(party.url), encodeURIComponent('https://evil.example')));
  assert.equal(mixedUp.headers.get('location')?.startsWith('https://evil.example') ?? false, false);
  const again = await nadia.browser.request(callback);
  assert.ok(again.status >= 400, `a spent state got ${again.status}`);
});

test('a second start keeps what was linked', async () => {
  await link(deployment, nadia.browser);
  assert.equal((await nadia.api('GET', '/integrations/v1/integration-1')).body.connected, true);
  await deployment.stop();
  await deployment.start();
  assert.equal((await nadia.api('GET', '/integrations/v1/integration-1')).body.connected, true);
  assert.equal((await nadia.api('GET', '/integrations/v1/integration-1/proxy/me')).body.sub, 'third-party-person');
});

const attacks = [
  '//evil.example', '///evil.example', '/\\evil.example', '\\\\evil.example', '\\/evil.example', '/%2f%2fevil.example', '/%2Fevil.example', '/%5cevil.example', '/%5C%5Cevil.example',
  'https://evil.example', 'https:evil.example', 'http:/evil.example', 'javascript:alert(1)', 'data:text/html,x', '.evil.example', '@evil.example', ':80@evil.example', ':9@evil.example/',
  'evil', '', ' /x', '/\tx', '/\nx', '/\rx', '/x\r\nLocation: https://evil.example', '/\u0000', '/\u007f', '/\u0085x', '/\u2028x', '/%0d%0aSet-Cookie:x=1', '/%00', '/%09/evil.example', '/\t/evil.example', '/\n/evil.example',
  '/./%2e%2e//evil.example', '/..//evil.example', '/.//evil.example', '/%2e/%2fevil.example', '/x/../..//evil.example', '/%252f%252fevil.example', '/\uff0f\uff0fevil.example', '/\u2215\u2215evil.example', '/;@evil.example', '/' + 'a'.repeat(2048), '/?' + 'a'.repeat(4096),
];

test(`${attacks.length} return paths of an attacker never lead away from the registered origin`, async () => {
  for (const attack of attacks) {
    const uri = new URL(`${deployment.url}/integrations/oauth2/integration-1/connect`);
    uri.search = new URLSearchParams({ client_id: application.id, returnPath: attack });
    const begin = await nadia.browser.request(uri.toString());
    if (begin.status === 400) continue;
    assert.equal(begin.status, 303, `${JSON.stringify(attack)}: ${begin.status}`);
    const there = new URL(begin.headers.get('location'));
    assert.equal(there.origin, party.url, JSON.stringify(attack));
    const back = await nadia.browser.request(`${deployment.url}/integrations/oauth2/integration-1/callback?error=access_denied&state=${there.searchParams.get('state')}&iss=${encodeURIComponent(party.url)}`);
    const target = new URL(back.headers.get('location'));
    assert.equal(target.origin, application.uri, JSON.stringify(attack));
    assert.equal(target.username + target.password, '');
    assert.equal(target.searchParams.get('error'), 'access_denied');
  }
});
