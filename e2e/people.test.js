// What a person meets on the way: each page that a link alone does not lead to, in both languages, on a desk and on a phone.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { application, deploymentFor } from './support/clients.js';
import { people } from './support/declarations.js';
import { freePort } from './support/hilum.js';
import { tidyUp } from './support/link.js';
import { SCREENS, fillIn, judge, openBrowser, openWindow, signIn } from './support/look.js';
import { totp } from './support/totp.js';

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
const RECORD = 'openid fhirUser launch/patient offline_access patient/Patient.rs patient/MedicationRequest.rs patient/Observation.rs?category=laboratory patient/Observation.rs?category=vital-signs';

let browser, deployment, site, diary, chart, tv;

before(async () => {
  const port = await freePort();
  const home = `http://127.0.0.1:${port}`;
  site = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html><title>An application</title>'));
  await new Promise((resolve) => site.listen(port, '127.0.0.1', resolve));
  diary = application('diary', { redirectUri: `${home}/diary`, grants: ['authorization_code', 'refresh_token'], scopes: 'openid profile email offline_access' });
  chart = application('chart', {
    redirectUri: `${home}/chart`, secret: null, grants: ['authorization_code', 'refresh_token'], scopes: `${RECORD} launch patient/*.rs`,
    more: `profile = "smart-app-launch-2.2"\nmetadata = { initiate_login_uri = "${home}/launch" }`,
  });
  tv = application('tv', { redirectUri: `${home}/tv`, secret: null, grants: [DEVICE], scopes: 'openid profile' });
  const patient = (id, relation, label) => `{ id = "${id}", relation = "${relation}", label = "${label}" }`;
  deployment = await deploymentFor([diary, chart, tv], {
    settings: { HILUM__PEOPLE__SELF_REGISTRATION: 'open' },
    about: { nadia: `fhir_user = "Patient/pat-1"\npatients = [${patient('pat-1', 'self', 'Nadia Petrenko')}, ${patient('pat-2', 'proxy', 'Danylo Petrenko')}]` },
  });
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  site?.close();
  await tidyUp(deployment);
});

const ask = (client, scope, more = {}) => `${deployment.url}/oauth2/authorize?${new URLSearchParams({
  response_type: 'code', client_id: client.id, redirect_uri: client.redirectUri, scope, state: 'state-of-the-application',
  code_challenge: CHALLENGE, code_challenge_method: 'S256', ...more,
})}`;

// The code that the application gets.
async function code(page, client, act) {
  await act();
  await page.waitForURL((url) => url.href.startsWith(client.redirectUri));
  return new URL(page.url()).searchParams.get('code');
}

async function redeem(client, code) {
  const secret = client.secret && { authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}` };
  const answer = await fetch(`${deployment.url}/oauth2/token`, {
    method: 'POST', headers: { ...secret },
    body: new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: client.redirectUri, code_verifier: VERIFIER, ...(!client.secret && { client_id: client.id }) }),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
}

const allow = (page) => page.locator('button[name=decision][value=allow]');

for (const [screen, lang, scheme] of [['desk', 'en', 'light'], ['phone', 'uk', 'dark'], ['phone', 'en', 'light'], ['desk', 'uk', 'dark']]) {
  test(`a person's way through the pages on a ${screen} in ${lang}, ${scheme}`, { timeout: 240_000 }, async () => {
    const page = await openWindow(browser, { ...SCREENS[screen], locale: lang, colorScheme: scheme });
    const look = (name) => judge(page, `${lang}-${screen}-${scheme}-${name}`, { lang });
    const to = (path) => page.goto(`${deployment.url}${path}`);
    const person = { email: `${lang}-${screen}@northwind.example`, password: 'a passphrase of these pages' };

    await to('/register');
    await look('register');
    await page.locator('#display_name').fill('Olena Kovalenko');
    await page.locator('#email').fill(person.email);
    await page.locator('#password').fill('short');
    await page.locator('form[action="/register"] button').click();
    await look('register-refused');
    await page.locator('#password').fill(person.password);
    await page.locator('form[action="/register"] button').click();
    await page.waitForURL('**/integrations/');
    await look('services');
    await to('/account/applications');
    await look('connected-none');

    await to('/account/security');
    await look('security-new');
    await page.locator('form[action="/account/security/apps"] button').click();
    await page.waitForURL('**/account/security/apps/*');
    await look('add-app');
    await page.locator('main details summary').click();
    await look('add-app-open');
    const key = await page.locator('.shown-once code').innerText();
    await page.locator('#code').fill('000000');
    await page.locator('form.fields button').click();
    await look('add-app-refused');
    await page.locator('#code').fill(totp(key));
    await page.locator('form.fields button').click();
    await page.locator('.codes').waitFor();
    await look('recovery-codes');
    const codes = await page.locator('.codes code').allInnerTexts();
    await to('/account/security');
    await look('security');
    await page.locator('a[href^="/account/security/factors/"]').first().click();
    await look('factor-rename');
    await page.goBack();
    await page.locator('a[href$="/remove"]').first().click();
    await look('factor-remove');

    await to('/sign-out');
    await look('sign-out');
    await page.locator('main form[action="/sign-out"] button').click();
    await look('signed-out');
    await to('/sign-in');
    await look('sign-in');
    await fillIn(page, { ...person, password: 'wrong' });
    await look('sign-in-refused');
    await signIn(page, deployment.url, person);
    await look('second-step');
    await page.locator('#code').fill('000000');
    await page.locator('form.fields button').click();
    await look('second-step-refused');
    await page.locator('#code').fill(codes[0]);
    await page.locator('form.fields button').click();
    await page.waitForURL('**/integrations/');

    await page.goto(ask(diary, 'openid profile email offline_access'));
    await look('consent');
    await code(page, diary, () => allow(page).click());
    await to('/account/applications');
    await look('connected');

    await page.goto(ask({ ...diary, id: 'nobody' }, 'openid'));
    await look('unknown-application');
    await to('/nowhere');
    await look('nowhere');

    const device = await (await fetch(`${deployment.url}/oauth2/device_authorization`, { method: 'POST', body: new URLSearchParams({ client_id: tv.id, scope: 'openid profile' }) })).json();
    await to('/device');
    await look('device');
    await page.locator('#user_code').fill('WDJB-MJHT');
    await page.locator('form.fields button').click();
    await look('device-refused');
    await page.locator('#user_code').fill(device.user_code);
    await page.locator('form.fields button').click();
    await page.waitForURL('**/device/*');
    await look('device-consent');
    await allow(page).click();
    await page.waitForURL('**/device/done');
    await look('device-done');

    // Somebody who may open two records.
    await page.context().clearCookies();
    await signIn(page, deployment.url, people.nadia);
    await to('/launch');
    await look('launch');
    assert.equal(await page.locator('nav a[href="/launch"][aria-current]').count(), 1, 'the navigation leads there');
    await page.goto(ask(chart, RECORD, { aud: `${deployment.url}/fhir` }));
    await look('launch-patient');
    await page.locator('input[type=radio]').last().check();
    await page.locator('form.fields button').click();
    await page.waitForURL('**/consent?**');
    await look('consent-record');
    await page.context().close();
  });
}

test('single permissions can be refused, and all of them taken back with one press, without JavaScript', { timeout: 120_000 }, async () => {
  const page = await openWindow(browser, { javaScriptEnabled: false });
  await signIn(page, deployment.url, people.omar);
  await page.goto(ask(diary, 'openid profile email offline_access', { prompt: 'consent' }));
  for (const scope of ['email', 'offline_access']) await page.locator(`input[name="scope.${scope}"]`).uncheck();
  const tokens = await redeem(diary, await code(page, diary, () => allow(page).click()));
  assert.equal(tokens.scope, 'openid profile');
  assert.equal(tokens.refresh_token, undefined, 'no access while the person is away');

  await page.goto(ask(diary, 'openid profile email offline_access', { prompt: 'consent' }));
  const lasting = await redeem(diary, await code(page, diary, () => allow(page).click()));
  assert.ok(lasting.refresh_token);
  await page.goto(`${deployment.url}/account/applications`);
  const card = page.locator('article', { hasText: 'Application diary' });
  assert.match(await card.innerText(), /See your e-mail address[\s\S]*Last used/);
  await card.getByRole('button', { name: /Take access away/ }).click();
  await page.getByText('The application has no access any more.').waitFor();
  assert.equal(await page.locator('article').count(), 0);
  const again = await fetch(`${deployment.url}/oauth2/token`, {
    method: 'POST', headers: { authorization: `Basic ${Buffer.from(`${diary.id}:${diary.secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: lasting.refresh_token }),
  });
  assert.equal(again.status, 400);
  assert.equal((await again.json()).error, 'invalid_grant');
  await page.context().close();
});
