// oauth4webapi, untouched, at the real binary: the parts of OAuth that a plain code flow does not reach.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import * as oauth from 'oauth4webapi';
import { application, deploymentFor, goThrough } from './support/clients.js';
import { people } from './support/declarations.js';
import { tidyUp } from './support/link.js';
import { Browser } from './support/person.js';

const insecure = { [oauth.allowInsecureRequests]: true };
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const apps = {
  diary: application('diary', { redirectUri: 'http://127.0.0.1:9/diary', grants: ['authorization_code', 'refresh_token', 'client_credentials'], scopes: 'openid profile email offline_access' }),
  television: application('television', { redirectUri: 'http://127.0.0.1:9/television', secret: null, grants: [DEVICE, 'refresh_token'], scopes: 'openid profile offline_access' }),
};

let deployment, server;

// A client that proves itself with a key of its own, which it has registered.
async function keyed(name, profile, grants, { alg = 'ES256', scopes = 'openid offline_access' } = {}) {
  const { privateKey: key, publicKey } = await generateKeyPair(alg, { extractable: true });
  const kid = `key-of-${name}`;
  const members = { ...await exportJWK(publicKey), kid, use: 'sig', alg };
  const jwk = `{ ${Object.entries(members).map(([member, value]) => `${member} = "${value}"`).join(', ')} }`;
  const more = `profile = "${profile}"\nauth_method = "private_key_jwt"\nmetadata = { jwks = { keys = [${jwk}] } }`;
  apps[name] = { ...application(name, { redirectUri: `http://127.0.0.1:9/${name}`, secret: null, grants, scopes, more }), key, kid };
}

before(async () => {
  await keyed('signing', 'oauth21', ['client_credentials']);
  await keyed('bank', 'fapi2', ['authorization_code', 'refresh_token']);
  for (const alg of ['RS384', 'ES384']) await keyed(`export${alg.toLowerCase()}`, 'smart-backend', ['client_credentials'], { alg, scopes: 'system/*.rs' });
  deployment = await deploymentFor(Object.values(apps));
  const issuer = new URL(`${deployment.url}/oauth2`);
  server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
});
after(() => tidyUp(deployment));

// The code flow of `app`; `more` goes into the authorization request, `options` into the token request.
async function codeFlow(app, authentication, { scope = 'openid offline_access', browser = new Browser(), more = {}, options = {}, request = (url) => url } = {}) {
  const client = { client_id: app.id };
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  let url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({
    response_type: 'code', client_id: app.id, redirect_uri: app.redirectUri, scope, state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...more,
  });
  url = await request(url);
  const back = await goThrough(browser, url.toString(), people.nadia, (at) => at.startsWith(app.redirectUri));
  const parameters = oauth.validateAuthResponse(server, client, new URL(back), state);
  const redeem = () => oauth.authorizationCodeGrantRequest(server, client, authentication, parameters, app.redirectUri, verifier, { ...insecure, ...options });
  let answer = await redeem();
  const read = (answer) => oauth.processAuthorizationCodeResponse(server, client, answer, { expectedNonce: scope.includes('openid') ? nonce : undefined, requireIdToken: scope.includes('openid') });
  return read(answer).catch(async (error) => {
    if (!oauth.isDPoPNonceError(error)) throw error;
    answer = await redeem();
    return read(answer);
  });
}

async function refresh(app, authentication, token, options = {}) {
  const client = { client_id: app.id };
  const answer = await oauth.refreshTokenGrantRequest(server, client, authentication, token, { ...insecure, ...options });
  return oauth.processRefreshTokenResponse(server, client, answer);
}

test('a refresh token rotates, a retry gets the same successor, and an old one ends the family', async () => {
  const { diary } = apps;
  const secret = oauth.ClientSecretBasic(diary.secret);
  const first = await codeFlow(diary, secret);
  const second = await refresh(diary, secret, first.refresh_token);
  assert.notEqual(second.refresh_token, first.refresh_token);
  const claims = oauth.getValidatedIdTokenClaims(second);
  assert.equal(claims.sub, oauth.getValidatedIdTokenClaims(first).sub);
  const retried = await refresh(diary, secret, first.refresh_token);
  assert.equal(retried.refresh_token, second.refresh_token, 'whoever missed the answer gets it again');
  const all = await Promise.all(Array.from({ length: 20 }, () => refresh(diary, secret, second.refresh_token)));
  assert.equal(new Set(all.map((tokens) => tokens.refresh_token)).size, 1, 'tabs that refresh at once stay signed in, all with the same token');
  const [{ refresh_token: third }] = all;
  const fourth = await refresh(diary, secret, third);
  await assert.rejects(refresh(diary, secret, first.refresh_token), { error: 'invalid_grant' });
  await assert.rejects(refresh(diary, secret, fourth.refresh_token), { error: 'invalid_grant' }, 'the family is dead');
  const told = await oauth.userInfoRequest(server, { client_id: diary.id }, fourth.access_token, insecure);
  assert.equal(told.status, 401, 'and its access tokens are, too');
});

test('oauth4webapi signs a person in on a device without a browser', async () => {
  const { television } = apps;
  const client = { client_id: television.id };
  const asked = await oauth.deviceAuthorizationRequest(server, client, oauth.None(), { scope: 'openid profile offline_access' }, insecure);
  const device = await oauth.processDeviceAuthorizationResponse(server, client, asked);
  const poll = async () => oauth.processDeviceCodeResponse(server, client, await oauth.deviceCodeGrantRequest(server, client, oauth.None(), device.device_code, insecure));
  await assert.rejects(poll(), { error: 'authorization_pending' });
  await assert.rejects(poll(), { error: 'slow_down' }, 'whoever asks too often is told so');
  const browser = new Browser();
  let at = await browser.visit(device.verification_uri_complete);
  if (at.url.includes('/sign-in')) at = await browser.submit(at, { email: people.nadia.email, password: people.nadia.password }, { action: '/sign-in' });
  assert.match(at.page, new RegExp(device.user_code), 'the person compares the code');
  at = await browser.submit(at, { user_code: device.user_code }, { action: '/device' });
  at = await browser.submit(at, { decision: 'allow' }, { action: new URL(at.url, server.issuer).pathname });
  assert.equal(at.answer.status, 200);
  await new Promise((resolve) => setTimeout(resolve, (device.interval + 5) * 1_000));
  const tokens = await poll();
  assert.ok(tokens.refresh_token);
  assert.equal(oauth.getValidatedIdTokenClaims(tokens).aud, television.id);
  const renewed = await refresh(television, oauth.None(), tokens.refresh_token);
  assert.notEqual(renewed.refresh_token, tokens.refresh_token, 'a public client rotates too');
  await assert.rejects(poll(), { error: 'invalid_grant' }, 'a device code works once');
});

test('oauth4webapi pushes its request and binds its tokens to a key (PAR, DPoP)', async () => {
  const { diary } = apps;
  const client = { client_id: diary.id };
  const secret = oauth.ClientSecretBasic(diary.secret);
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
  const push = async (url) => {
    const send = () => oauth.pushedAuthorizationRequest(server, client, secret, url.searchParams, { ...insecure, DPoP });
    const read = (answer) => oauth.processPushedAuthorizationResponse(server, client, answer);
    const pushed = await read(await send()).catch(async (error) => {
      if (!oauth.isDPoPNonceError(error)) throw error;
      return read(await send());
    });
    const short = new URL(server.authorization_endpoint);
    short.search = new URLSearchParams({ client_id: diary.id, request_uri: pushed.request_uri });
    return short;
  };
  const tokens = await codeFlow(diary, secret, { request: push, options: { DPoP } });
  assert.equal(tokens.token_type, 'dpop');
  const sub = oauth.getValidatedIdTokenClaims(tokens).sub;
  const about = await oauth.userInfoRequest(server, client, tokens.access_token, { ...insecure, DPoP });
  assert.equal((await oauth.processUserInfoResponse(server, client, sub, about)).sub, sub);
  const stolen = [
    ['as a bearer token', {}],
    ['with another key', { DPoP: oauth.DPoP(client, await oauth.generateKeyPair('ES256')) }],
  ];
  for (const [how, options] of stolen) {
    const answer = await oauth.userInfoRequest(server, client, tokens.access_token, { ...insecure, ...options });
    assert.equal(answer.status, 401, how);
  }
  const renewed = await refresh(diary, secret, tokens.refresh_token, { DPoP });
  assert.equal(renewed.token_type, 'dpop');
});

test('oauth4webapi proves itself with a key (private_key_jwt)', async () => {
  const { signing } = apps;
  const client = { client_id: signing.id };
  const proof = oauth.PrivateKeyJwt({ key: signing.key, kid: signing.kid });
  const ask = (authentication) => oauth.clientCredentialsGrantRequest(server, client, authentication, {}, insecure);
  const { access_token: token } = await oauth.processClientCredentialsResponse(server, client, await ask(proof));
  const told = await oauth.introspectionRequest(server, client, proof, token, insecure);
  assert.equal((await oauth.processIntrospectionResponse(server, client, told)).client_id, signing.id);
  const other = oauth.PrivateKeyJwt({ key: (await oauth.generateKeyPair('ES256')).privateKey, kid: signing.kid });
  const late = oauth.PrivateKeyJwt({ key: signing.key, kid: signing.kid }, { [oauth.modifyAssertion]: (header, claims) => { claims.exp -= 600; claims.iat -= 600; claims.nbf -= 600; } });
  const elsewhere = oauth.PrivateKeyJwt({ key: signing.key, kid: signing.kid }, { [oauth.modifyAssertion]: (header, claims) => { claims.aud = 'https://other.example'; } });
  let seen;
  const same = oauth.PrivateKeyJwt({ key: signing.key, kid: signing.kid }, { [oauth.modifyAssertion]: (header, claims) => { claims.jti = seen ??= claims.jti; } });
  assert.equal((await ask(same)).status, 200);
  for (const [how, bad] of Object.entries({ other, late, elsewhere, 'a second time': same })) {
    const refused = await ask(bad);
    assert.equal(refused.status, 401, how);
    assert.equal((await refused.json()).error, 'invalid_client', how);
  }
});

test('oauth4webapi completes the flow of FAPI 2.0: a key for itself, a pushed request, bound tokens', async () => {
  const { bank } = apps;
  const client = { client_id: bank.id };
  const proof = oauth.PrivateKeyJwt({ key: bank.key, kid: bank.kid });
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
  const push = async (url) => {
    const send = () => oauth.pushedAuthorizationRequest(server, client, proof, url.searchParams, { ...insecure, DPoP });
    const read = (answer) => oauth.processPushedAuthorizationResponse(server, client, answer);
    const pushed = await read(await send()).catch(async (error) => {
      if (!oauth.isDPoPNonceError(error)) throw error;
      return read(await send());
    });
    const short = new URL(server.authorization_endpoint);
    short.search = new URLSearchParams({ client_id: bank.id, request_uri: pushed.request_uri });
    return short;
  };
  const tokens = await codeFlow(bank, proof, { request: push, options: { DPoP } });
  assert.equal(tokens.token_type, 'dpop');
  const renewed = await refresh(bank, proof, tokens.refresh_token, { DPoP });
  assert.equal(renewed.refresh_token, tokens.refresh_token, 'its refresh tokens do not rotate');
  await assert.rejects(codeFlow(bank, proof, { options: { DPoP } }), 'a request that was not pushed is refused');
});

for (const alg of ['RS384', 'ES384']) {
  test(`a SMART backend service proves itself with an assertion that npm jose makes (${alg})`, async () => {
    const { id, key, kid } = apps[`export${alg.toLowerCase()}`];
    const sign = (changes = {}, header = {}) => new SignJWT({ iss: id, sub: id, aud: server.token_endpoint, jti: crypto.randomUUID(), exp: Math.floor(Date.now() / 1_000) + 240, ...changes })
      .setProtectedHeader({ alg, kid, typ: 'JWT', ...header }).sign(key);
    const ask = async (assertion, scope = 'system/Observation.rs') => fetch(server.token_endpoint, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', scope, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: assertion }),
    });
    const once = await sign();
    const tokens = await (await ask(once)).json();
    assert.deepEqual({ ...tokens, access_token: typeof tokens.access_token }, { access_token: 'string', token_type: 'Bearer', expires_in: 300, scope: 'system/Observation.rs' });
    const bad = {
      'a second time': once,
      'for another server': await sign({ aud: 'https://other.example/token' }),
      'too late': await sign({ exp: Math.floor(Date.now() / 1_000) - 60 }),
      'for too long': await sign({ exp: Math.floor(Date.now() / 1_000) + 900 }),
      'by a key that nobody knows': await sign({}, { kid: 'another' }),
    };
    for (const [how, assertion] of Object.entries(bad)) {
      const refused = await ask(assertion);
      assert.equal(refused.status, 401, how);
      assert.equal((await refused.json()).error, 'invalid_client', how);
    }
    const wide = await ask(await sign(), 'openid patient/*.rs');
    assert.equal(wide.status, 400);
    assert.equal((await wide.json()).error, 'invalid_scope');
  });
}
