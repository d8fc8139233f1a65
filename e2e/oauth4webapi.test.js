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

before(async () => {
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
