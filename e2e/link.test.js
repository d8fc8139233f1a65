// The main job in a real browser, at a real third party: sign in, link, come back, act, unlink.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { Deployment, freePort } from './support/hilum.js';
import { ThirdParty } from './support/third_party.js';
import { application, declarations, internal, people } from './support/declarations.js';
import { api, tidyUp } from './support/link.js';

let browser, party, deployment, site, home, page, token;

before(async () => {
  const port = await freePort();
  party = await ThirdParty.open({ redirectUri: `http://127.0.0.1:${port}/integrations/oauth2/integration-1/callback` });
  // The application's own site: whatever it is asked, it answers with the address that was asked.
  site = createServer((request, response) => response.setHeader('content-type', 'text/plain').end(`application at ${request.url}`));
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
  home = `http://127.0.0.1:${site.address().port}`;
  const text = declarations({ party, uri: home }).replaceAll(application.redirectUri, `${home}/signed-in`);
  deployment = await Deployment.make({ port, declarations: text, settings: internal(party) });
  await deployment.start();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
});

after(async () => {
  await browser?.close();
  site?.close();
  await tidyUp(deployment, party);
});

test('a person signs in and lets the application act', async () => {
  page = await (await browser.newContext()).newPage();
  const oauth = await import('openid-client');
  const server = await oauth.discovery(new URL(`${deployment.url}/oauth2`), application.id, undefined, oauth.ClientSecretBasic(application.secret), { execute: [oauth.allowInsecureRequests] });
  const verifier = oauth.randomPKCECodeVerifier();
  const state = oauth.randomState();
  const url = oauth.buildAuthorizationUrl(server, {
    redirect_uri: `${home}/signed-in`, scope: 'openid integrations:revoke', state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  });
  await page.goto(url.toString());
  await page.getByLabel('E-mail').fill(people.nadia.email);
  await page.getByLabel('Password').fill(people.nadia.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  await page.waitForURL(`${home}/signed-in?**`);
  const tokens = await oauth.authorizationCodeGrant(server, new URL(page.url()), { pkceCodeVerifier: verifier, expectedState: state });
  token = tokens.access_token;
  assert.equal(tokens.token_type, 'bearer');
});

const status = async () => (await api(deployment.url, token)('GET', '/integrations/v1/integration-1')).body;

test('before linking the application sees that it is not connected', async () => {
  assert.deepEqual(await status(), {
    name: 'Integration #1', connected: false, connectUri: `${deployment.url}/integrations/oauth2/integration-1/connect`,
  });
});

test('a refusal at the third party comes back as error=access_denied', async () => {
  const { connectUri } = await status();
  await page.goto(`${connectUri}?client_id=${application.id}&returnPath=/refused`);
  await page.getByRole('link', { name: /cancel/i }).click();
  await page.waitForURL(`${home}/refused**`);
  assert.equal(page.url(), `${home}/refused?error=access_denied`);
  assert.equal((await status()).connected, false);
});

test('the person links and is returned to the path that the application asked for', async () => {
  const { connectUri } = await status();
  await page.goto(`${connectUri}?client_id=${application.id}&ReturnPath=/goto_page%3Ftab%3D2`);
  await page.locator('input[name=login]').fill('third-party-person');
  await page.locator('input[name=password]').fill('anything');
  await page.locator('button[type=submit]').click();
  await page.locator('button[type=submit]').click();
  await page.waitForURL(`${home}/goto_page**`);
  assert.equal(page.url(), `${home}/goto_page?tab=2`);
  assert.equal((await status()).connected, true);
});

test('the application acts through the link and never sees the credential', async () => {
  const answer = await api(deployment.url, token)('GET', '/integrations/v1/integration-1/proxy/me');
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.equal(answer.body.sub, 'third-party-person');
  const live = party.live('AccessToken');
  assert.ok(live.length > 0);
  for (const secret of live) assert.ok(!JSON.stringify([answer.body, ...answer.headers]).includes(secret));
});

test('the summary page says what is linked', async () => {
  await page.goto(`${deployment.url}/integrations/`);
  await page.getByRole('heading', { name: 'Integration #1' }).waitFor();
  assert.match(await page.locator('main').innerText(), /Heart diary/);
});

test('unlinking while the third party is down kills the link here at once and there as soon as it is back', async () => {
  const [access] = party.live('AccessToken');
  const [refresh] = party.live('RefreshToken');
  assert.equal((await party.introspect(refresh)).active, true);
  await party.shut();
  const answer = await api(deployment.url, token)('DELETE', '/integrations/v1/integration-1');
  assert.equal(answer.status, 204);
  assert.equal((await status()).connected, false);
  const acted = await api(deployment.url, token)('GET', '/integrations/v1/integration-1/proxy/me');
  assert.notEqual(acted.status, 200);
  await party.listen();
  const deadline = Date.now() + 90_000;
  let there;
  do {
    await new Promise((resolve) => setTimeout(resolve, 250));
    there = [await party.introspect(refresh), await party.introspect(access)];
  } while (there.some((t) => t.active) && Date.now() < deadline);
  assert.deepEqual(there, [{ active: false }, { active: false }]);
});
