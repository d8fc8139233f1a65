// oauth4webapi, untouched, at the real binary: the parts of OAuth that a plain code flow does not reach.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as oauth from 'oauth4webapi';
import { application, deploymentFor, goThrough } from './support/clients.js';
import { people } from './support/declarations.js';
import { tidyUp } from './support/link.js';
import { Browser } from './support/person.js';

const insecure = { [oauth.allowInsecureRequests]: true };
const apps = {
  diary: application('diary', { redirectUri: 'http://127.0.0.1:9/diary', grants: ['authorization_code', 'refresh_token', 'client_credentials'], scopes: 'openid profile email offline_access' }),
};

let deployment, server;

// A client that proves itself with a key of its own, which it has registered.
async function keyed(name, profile, grants) {
  const { privateKey: key, publicKey } = await oauth.generateKeyPair('ES256', { extractable: true });
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
  const kid = `key-of-${name}`;
  const jwk = `{ kty = "${kty}", crv = "${crv}", x = "${x}", y = "${y}", kid = "${kid}", use = "sig", alg = "ES256" }`;
  const more = `profile = "${profile}"\nauth_method = "private_key_jwt"\nmetadata = { jwks = { keys = [${jwk}] } }`;
  apps[name] = { ...application(name, { redirectUri: `http://127.0.0.1:9/${name}`, secret: null, grants, scopes: 'openid offline_access', more }), key, kid };
}

before(async () => {
  await keyed('signing', 'oauth21', ['client_credentials']);
  deployment = await deploymentFor(Object.values(apps));
  const issuer = new URL(`${deployment.url}/oauth2`);
  server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
});
after(() => tidyUp(deployment));

// The code flow of `app`; `more` goes into the authorization request, `options` into the token request.
async function codeFlow(app, authentication, { scope = 'openid offline_access', browser = new Browser(), more = {}, options = {} } = {}) {
  const client = { client_id: app.id };
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({
    response_type: 'code', client_id: app.id, redirect_uri: app.redirectUri, scope, state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...more,
  });
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

test('oauth4webapi binds its tokens to a key (DPoP)', async () => {
  const { diary } = apps;
  const client = { client_id: diary.id };
  const secret = oauth.ClientSecretBasic(diary.secret);
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
  const tokens = await codeFlow(diary, secret, { options: { DPoP } });
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
