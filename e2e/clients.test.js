// Clients that others wrote, untouched: each completes its flow at the real binary.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import readline from 'node:readline';
import { after, before, test } from 'node:test';
import * as jose from 'jose';
import { Apache } from './support/apache.js';
import { application, deploymentFor, goThrough } from './support/clients.js';
import { people } from './support/declarations.js';
import { freePort } from './support/hilum.js';
import { tidyUp } from './support/link.js';
import { Browser, authorize } from './support/person.js';

const python = process.env.HILUM_PYTHON ?? path.resolve(import.meta.dirname, '../target/python/bin/python');

let deployment, apachePort, clients;

before(async () => {
  apachePort = await freePort();
  clients = {
    openid: application('openid', { redirectUri: 'http://127.0.0.1:9/openid' }),
    authlib: application('authlib', { redirectUri: 'http://127.0.0.1:9/authlib', grants: ['authorization_code', 'refresh_token', 'client_credentials'], scopes: 'openid profile email offline_access' }),
    apache: application('apache', { redirectUri: `http://127.0.0.1:${apachePort}/private/back` }),
  };
  deployment = await deploymentFor(Object.values(clients));
});
after(() => tidyUp(deployment));

test('npm jose verifies our access and ID tokens by the published keys, and no changed one', async () => {
  const tokens = await authorize(deployment, new Browser(), people.nadia, clients.openid, 'openid profile email');
  const issuer = `${deployment.url}/oauth2`;
  const keys = jose.createRemoteJWKSet(new URL(`${issuer}/jwks`));
  const access = await jose.jwtVerify(tokens.access_token, keys, { issuer, audience: deployment.url, typ: 'at+jwt', requiredClaims: ['sub', 'client_id', 'jti', 'iat', 'exp'] });
  const id = await jose.jwtVerify(tokens.id_token, keys, { issuer, audience: clients.openid.id, requiredClaims: ['sub', 'iat', 'exp', 'auth_time'] });
  assert.equal(access.payload.sub, id.payload.sub);
  assert.equal(access.payload.client_id, clients.openid.id);
  const [header, claims, signature] = tokens.access_token.split('.');
  const wider = jose.base64url.encode(JSON.stringify({ ...access.payload, scope: 'system/*.*' }));
  for (const changed of [`${header}.${wider}.${signature}`, `${header}.${claims}.${signature.slice(0, -4)}AAAA`]) {
    await assert.rejects(jose.jwtVerify(changed, keys, { issuer }), jose.errors.JWSSignatureVerificationFailed);
    const told = await fetch(`${issuer}/userinfo`, { headers: { authorization: `Bearer ${changed}` } });
    assert.equal(told.status, 401, 'and we agree');
  }
});

test('Authlib gets a token for itself and one for a person, and sees both through', async () => {
  const { id, secret, redirectUri } = clients.authlib;
  const child = spawn(python, [path.resolve(import.meta.dirname, 'python/authlib_client.py'), `${deployment.url}/oauth2`, id, secret, redirectUri, 'openid profile email offline_access'], {
    stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, AUTHLIB_INSECURE_TRANSPORT: '1' },
  });
  let errors = '';
  child.stderr.on('data', (bytes) => (errors += bytes));
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const said = async () => {
    const { value, done } = await lines.next();
    assert.ok(!done, errors);
    return JSON.parse(value);
  };
  const own = await said();
  assert.equal(own.own.token_type, 'Bearer');
  assert.equal(own.told.active, true);
  assert.equal(own.told.client_id, id);
  assert.deepEqual(own.ended, { active: false }, 'what was revoked tells nothing more');
  const { url } = await said();
  const back = await goThrough(new Browser(), url, people.nadia, (at) => at.startsWith(redirectUri));
  child.stdin.end(`${back}\n`);
  const { token, claims, about, renewed } = await said();
  assert.equal(claims.nonce, 'n-authlib');
  assert.equal(about.sub, claims.sub);
  assert.equal(about.email, people.nadia.email);
  assert.deepEqual(new Set(token.scope.split(' ')), new Set(['openid', 'profile', 'email', 'offline_access']));
  assert.ok(renewed.refresh_token && renewed.refresh_token !== token.refresh_token, 'and renews it');
  const [code] = await once(child, 'exit');
  assert.equal(code, 0, errors);
});

test('mod_auth_openidc lets Nadia through to a page behind Apache, and nobody who has not signed in', async () => {
  const { id, secret, redirectUri } = clients.apache;
  const apache = await Apache.start(apachePort, {
    OIDCProviderMetadataURL: `${deployment.url}/oauth2/.well-known/openid-configuration`,
    OIDCClientID: id, OIDCClientSecret: secret, OIDCRedirectURI: redirectUri,
    OIDCCryptoPassphrase: 'a-passphrase-of-the-tests', OIDCScope: '"openid profile email"', OIDCPKCEMethod: 'S256',
    OIDCProviderTokenEndpointAuth: 'client_secret_basic', OIDCRemoteUserClaim: 'email', OIDCCacheType: 'shm', OIDCCookieSameSite: 'On', OIDCUnAuthAction: 'auth true',
  });
  try {
    const page = `${apache.url}/private/index.html`;
    const browser = new Browser();
    const closed = await new Browser().request(page);
    assert.equal(closed.status, 302);
    const there = new URL(closed.headers.get('location'));
    assert.equal(there.origin + there.pathname, `${deployment.url}/oauth2/authorize`);
    assert.equal(there.searchParams.get('code_challenge_method'), 'S256');
    await goThrough(browser, page, people.nadia, (at) => at.startsWith(`${redirectUri}?`)).then((back) => browser.visit(back));
    const open = await browser.request(page);
    assert.equal(open.status, 200, await apache.log());
    assert.equal(await open.text(), 'behind the door');
    assert.equal(open.headers.get('x-person'), people.nadia.email);
    assert.equal(open.headers.get('x-name'), people.nadia.name);
    const stranger = await new Browser().visit(`${redirectUri}?code=stolen&state=made-up`);
    assert.notEqual(stranger.answer.status, 200);
  } finally {
    await apache.shut();
  }
});
