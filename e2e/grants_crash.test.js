// The plug is pulled while tokens are rotated and revoked, clients register themselves, and API keys are made and deleted under load, and the deployment started again:
// nothing that was acknowledged is lost.
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
const REGISTERING = 4;
const KEYING = 3;
const LOAD_MS = (process.env.GRANT_CRASH_LOAD_MS ?? '80 600').split(' ').map(Number); // shortest and longest

const insecure = { [oauth.allowInsecureRequests]: true };
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const diary = application('diary', { redirectUri: 'http://127.0.0.1:9/diary', grants: ['authorization_code', 'refresh_token', 'client_credentials'], scopes: 'openid offline_access client:register' });
const client = { client_id: diary.id };
const authentication = oauth.ClientSecretBasic(diary.secret);

let deployment, server, browser, developer;
const acknowledged = []; // registrations
const keys = []; // API keys that were shown
let asked = 0; // keys

before(async () => {
  deployment = await deploymentFor([diary]);
  const issuer = new URL(`${deployment.url}/oauth2`);
  server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
  browser = new Browser();
  developer = new Browser();
  const at = await developer.visit(`${deployment.url}/developer/keys`);
  await developer.submit(at, { email: people.omar.email, password: people.omar.password }, { action: '/sign-in' });
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

async function ofItself(scope) {
  const answer = await oauth.clientCredentialsGrantRequest(server, client, authentication, scope ? { scope } : {}, insecure);
  return oauth.processClientCredentialsResponse(server, client, answer);
}

async function revoked() {
  const { access_token: token } = await ofItself();
  await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, authentication, token, insecure));
  return token;
}

// A client that registers itself, and then replaces its registration: both are acknowledged, or nothing is said of them.
async function registered(initial) {
  const body = { redirect_uris: ['http://127.0.0.1:9/own'], client_name: 'Registered', grant_types: ['authorization_code', 'client_credentials'], scope: 'openid' };
  const made = await json(`${deployment.url}/oauth2/register`, 'POST', initial, body, 201);
  const own = { ...made, name: 'Registered' };
  acknowledged.push(own);
  const after = await json(made.registration_client_uri, 'PUT', made.registration_access_token, { ...body, client_id: made.client_id, client_name: 'Replaced' }, 200);
  Object.assign(own, { name: 'Replaced', registration_access_token: after.registration_access_token });
}

async function json(url, method, token, body, expected) {
  const answer = await fetch(url, { method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: body && JSON.stringify(body) });
  const told = await answer.json();
  if (answer.status !== expected) throw new oauth.ResponseBodyError(`${method} ${url}: ${answer.status}`, { cause: told, response: answer });
  return told;
}

// What was acknowledged is there, opens with the newest token and has its secret. Whoever was about to be told of the next may find it done.
async function isThere(own) {
  const answer = await fetch(own.registration_client_uri, { headers: { authorization: `Bearer ${own.registration_access_token}` } });
  if (answer.status === 200) assert.equal((await answer.json()).client_name, own.name);
  else assert.ok(answer.status === 401 && own.name === 'Registered' && own.isCut, `${own.client_id}: ${answer.status}`);
  const itself = oauth.ClientSecretBasic(own.client_secret);
  const token = await oauth.clientCredentialsGrantRequest(server, own, itself, {}, insecure);
  await oauth.processClientCredentialsResponse(server, own, token);
}

// An API key made by page, and three of four deleted again: fewer than an organisation may have stay. A page that did not come acknowledged nothing.
async function keyed() {
  const name = `Labs ${letters((asked += 1))}`; // one that was made and not acknowledged keeps its name
  const form = await developer.visit(`${deployment.url}/developer/keys/new`);
  const { answer, page } = await developer.submit(form, { name, scopes: 'connection:read', lifetime_days: '' }, { action: '/developer/keys' });
  const [id, text] = [...page.matchAll(/<code>([^<]+)<\/code>/g)].map(([, inside]) => inside);
  if (answer.status !== 200 || !text?.startsWith('hlm_ak_')) throw new oauth.ResponseBodyError(`${name}: ${answer.status}`, { cause: { error: 'key' }, response: answer });
  const key = { client_id: id, text, isDeleted: false };
  keys.push(key);
  if (keys.length % 4 === 0) return;
  const list = await developer.visit(`${deployment.url}/developer/keys`);
  const [, path] = list.page.slice(list.page.indexOf(id)).match(/href="([^"]+\/delete)"/);
  const question = await developer.visit(new URL(path, list.url).toString());
  key.isDeleted = undefined; // until it is acknowledged, either may be found
  const done = await developer.submit(question, {}, { action: path });
  if (done.answer.status === 200) key.isDeleted = true;
}

// Names of keys are letters: 0 a, 1 b, … 26 ba.
const letters = (n) => [...n.toString(26)].map((digit) => String.fromCharCode(97 + parseInt(digit, 26))).join('');

async function keyIsAsTold(key) {
  if (key.isDeleted === undefined) return;
  const own = { client_id: key.client_id };
  const answer = await oauth.clientCredentialsGrantRequest(server, own, oauth.ClientSecretBasic(key.text), {}, insecure);
  assert.equal(answer.status, key.isDeleted ? 401 : 200, key.client_id);
}

async function isActive(token) {
  const answer = await oauth.introspectionRequest(server, client, authentication, token, insecure);
  return (await oauth.processIntrospectionResponse(server, client, answer)).active;
}

test(`kill -9 while tokens rotate, are revoked, clients register and API keys are made, ${RUNS} times`, { timeout: 10 * 60_000 }, async () => {
  // What this side was told, in the order in which it was told.
  // One sign-in, and the others go with its session: many at once would be held back as guesses.
  const families = [[await grant()]];
  families.push(...(await Promise.all(Array.from({ length: ROTATING - 1 }, async () => [await grant()]))));
  const ended = [];
  const initial = (await ofItself('client:register')).access_token;
  for (let run = 0; run < RUNS; run += 1) {
    const node = deployment.nodes.at(-1);
    let isOver = false;
    const rotating = families.map(async (tokens) => {
      while (!isOver) tokens.push(await rotate(tokens.at(-1)));
    });
    const revoking = Array.from({ length: REVOKING }, async () => {
      while (!isOver) ended.push(await revoked());
    });
    const registering = Array.from({ length: REGISTERING }, async () => {
      while (!isOver) await registered(initial);
    });
    const keying = Array.from({ length: KEYING }, async () => {
      while (!isOver) await keyed();
    });
    const before = acknowledged.length;
    const keysBefore = keys.length;
    const load = Promise.allSettled([...rotating, ...revoking, ...registering, ...keying]);
    await wait(LOAD_MS[0] + ((LOAD_MS[1] - LOAD_MS[0]) * run) / RUNS);
    await node.kill();
    isOver = true;
    for (const { reason } of await load) assert.ok(!reason || !(reason instanceof oauth.ResponseBodyError), `run ${run}: refused while it ran: ${reason?.error}`);
    const latest = acknowledged.slice(before);
    for (const own of latest) own.isCut = own.name === 'Registered';
    await deployment.start();
    await Promise.all(latest.map(isThere));
    await Promise.all(keys.slice(keysBefore).map(keyIsAsTold));
    // The newest token that was acknowledged works, whether or not the one after it was on its way.
    await Promise.all(families.map(async (tokens) => tokens.push(await rotate(tokens.at(-1)))));
    const alive = await Promise.all(ended.slice(-200).map(isActive));
    assert.ok(alive.every((active) => !active), `run ${run}: a revoked token is alive again`);
  }
  const rotations = families.reduce((sum, tokens) => sum + tokens.length - 1, 0);
  console.log(`# ${JSON.stringify({ runs: RUNS, rotations, revocations: ended.length, registrations: acknowledged.length, keys: keys.length })}`);
  assert.ok(rotations > RUNS * ROTATING && ended.length > RUNS && acknowledged.length > RUNS && keys.some((key) => key.isDeleted) && keys.some((key) => key.isDeleted === false), 'there was load');
  for (const token of ended) assert.equal(await isActive(token), false);
  for (const own of acknowledged) await isThere(own);
  for (const key of keys) await keyIsAsTold(key);
  // And what was rotated away stays away: its use ends the family, as it should.
  const [tokens] = families;
  await assert.rejects(rotate(tokens.at(0)), { error: 'invalid_grant' });
  await assert.rejects(rotate(tokens.at(-1)), { error: 'invalid_grant' });
});
