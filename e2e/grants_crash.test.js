// The plug is pulled while tokens are rotated and revoked under load, and the deployment started again: nothing that was acknowledged is lost.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as oauth from 'oauth4webapi';
import { application, deploymentFor, goThrough } from './support/clients.js';
import { people } from './support/declarations.js';
import { tidyUp } from './support/link.js';
import { Browser } from './support/person.js';

const RUNS = Number(process.env.GRANT_CRASH_RUNS ?? 25);
const ROTATING = 8; // workers, each with a grant of its own
const REVOKING = 8;
const LOAD_MS = [80, 600];

const insecure = { [oauth.allowInsecureRequests]: true };
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const diary = application('diary', { redirectUri: 'http://127.0.0.1:9/diary', grants: ['authorization_code', 'refresh_token', 'client_credentials'], scopes: 'openid offline_access' });
const client = { client_id: diary.id };
const authentication = oauth.ClientSecretBasic(diary.secret);

let deployment, server, browser;

before(async () => {
  deployment = await deploymentFor([diary]);
  const issuer = new URL(`${deployment.url}/oauth2`);
  server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
  browser = new Browser();
});
after(() => tidyUp(deployment));

// A grant by the code flow: what rotates afterwards.
async function grant() {
  const verifier = oauth.generateRandomCodeVerifier();
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({
    response_type: 'code', client_id: diary.id, redirect_uri: diary.redirectUri, scope: 'openid offline_access',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', state: 's',
  });
  const back = await goThrough(browser, url.toString(), people.nadia, (at) => at.startsWith(diary.redirectUri));
  const parameters = oauth.validateAuthResponse(server, client, new URL(back), 's');
  const answer = await oauth.authorizationCodeGrantRequest(server, client, authentication, parameters, diary.redirectUri, verifier, insecure);
  return (await oauth.processAuthorizationCodeResponse(server, client, answer)).refresh_token;
}

async function rotate(token) {
  const answer = await oauth.refreshTokenGrantRequest(server, client, authentication, token, insecure);
  return (await oauth.processRefreshTokenResponse(server, client, answer)).refresh_token;
}

async function revoked() {
  const answer = await oauth.clientCredentialsGrantRequest(server, client, authentication, {}, insecure);
  const { access_token: token } = await oauth.processClientCredentialsResponse(server, client, answer);
  await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, authentication, token, insecure));
  return token;
}

async function isActive(token) {
  const answer = await oauth.introspectionRequest(server, client, authentication, token, insecure);
  return (await oauth.processIntrospectionResponse(server, client, answer)).active;
}

test(`kill -9 while tokens rotate and are revoked, ${RUNS} times`, { timeout: 10 * 60_000 }, async () => {
  // What this side was told, in the order in which it was told.
  const families = await Promise.all(Array.from({ length: ROTATING }, async () => [await grant()]));
  const ended = [];
  for (let run = 0; run < RUNS; run += 1) {
    const node = deployment.nodes.at(-1);
    let isOver = false;
    const rotating = families.map(async (tokens) => {
      while (!isOver) tokens.push(await rotate(tokens.at(-1)));
    });
    const revoking = Array.from({ length: REVOKING }, async () => {
      while (!isOver) ended.push(await revoked());
    });
    const load = Promise.allSettled([...rotating, ...revoking]);
    await wait(LOAD_MS[0] + ((LOAD_MS[1] - LOAD_MS[0]) * run) / RUNS);
    await node.kill();
    isOver = true;
    for (const { reason } of await load) assert.ok(!reason || !(reason instanceof oauth.ResponseBodyError), `run ${run}: refused while it ran: ${reason?.error}`);
    await deployment.start();
    // The newest token that was acknowledged works, whether or not the one after it was on its way.
    await Promise.all(families.map(async (tokens) => tokens.push(await rotate(tokens.at(-1)))));
    const alive = await Promise.all(ended.slice(-200).map(isActive));
    assert.ok(alive.every((active) => !active), `run ${run}: a revoked token is alive again`);
  }
  const rotations = families.reduce((sum, tokens) => sum + tokens.length - 1, 0);
  console.log(`# ${JSON.stringify({ runs: RUNS, rotations, revocations: ended.length })}`);
  assert.ok(rotations > RUNS * ROTATING && ended.length > RUNS, 'there was load');
  for (const token of ended) assert.equal(await isActive(token), false);
  // And what was rotated away stays away: its use ends the family, as it should.
  const [tokens] = families;
  await assert.rejects(rotate(tokens.at(0)), { error: 'invalid_grant' });
  await assert.rejects(rotate(tokens.at(-1)), { error: 'invalid_grant' });
});
