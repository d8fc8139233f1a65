// What administrators and developers do with applications, tokens, providers and people's records, in both languages, on a desk and on a phone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { people } from './support/declarations.js';
import { arrange, tidyUp } from './support/link.js';
import { SCREENS, judge, openBrowser, openWindow, signIn } from './support/look.js';

let browser, party, deployment;

before(async () => {
  ({ party, deployment } = await arrange());
  await deployment.start();
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await tidyUp(deployment, party);
});

const opened = async (page, path) => {
  const answer = await page.goto(`${deployment.url}${path}`);
  assert.equal(answer.status(), 200, path);
};
const main = (page) => page.locator('main');
// Send the form that goes there, and wait for what it answers.
const send = async (page, action) => Promise.all([page.waitForLoadState('load'), page.waitForResponse((answer) => answer.request().method() === 'POST'), page.locator(`main form[action="${action}"] button`).last().click()]);

const register = (token) => fetch(`${deployment.url}/oauth2/register`, {
  method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  body: JSON.stringify({ client_name: 'Ward reports', redirect_uris: ['https://ward.example/cb'] }),
});

for (const [screen, lang] of [['desk', 'en'], ['phone', 'uk']]) {
  const look = (page, name) => judge(page, `portal-${screen}-${name}`, { lang });

  test(`an application is sent back and verified, on a ${screen} in ${lang}`, async () => {
    const page = await openWindow(browser, { ...SCREENS[screen], locale: lang });
    await signIn(page, deployment.url, people.omar);
    await opened(page, '/admin/applications');
    const review = await page.locator('main a', { hasText: /diary/ }).first().getAttribute('href');
    const own = review.replace('/admin/', '/developer/');
    const name = `Heart diary of ${lang}`;

    await opened(page, `${own}/edit`);
    await look(page, 'edit');
    await page.locator('#name').fill(name);
    await send(page, `${own}/edit`);
    await opened(page, review);
    assert.equal(await main(page).locator('ins').first().innerText(), name);
    await look(page, 'review');

    await opened(page, `${review}/send-back`);
    await look(page, 'send-back');
    await page.locator('input[value="change"]').check();
    await page.locator('#note').fill('Whose diary is it?\nTell its maker in the name.');
    await send(page, `${review}/send-back`);
    assert.match(await main(page).innerText(), /Tell its maker in the name/);
    await look(page, 'sent-back');
    await opened(page, own);
    assert.match(await main(page).locator('.note').innerText(), /Whose diary is it\?/);
    await look(page, 'returned');
    await send(page, `${own}/ask`);
    assert.equal(await main(page).locator('.note').count(), 0);
    for (const path of ['conformance', 'failures']) {
      await opened(page, `${own}/${path}`);
      await look(page, path);
    }

    await opened(page, review);
    await send(page, `${review}/verify`);
    assert.equal(await main(page).locator(`form[action="${review}/verify"]`).count(), 0);
    await look(page, 'verified');
    await page.context().close();
  });

  test(`an initial access token is made and revoked, on a ${screen} in ${lang}`, async () => {
    const page = await openWindow(browser, { ...SCREENS[screen], locale: lang });
    await signIn(page, deployment.url, people.omar);
    await opened(page, '/admin/tokens/new');
    await look(page, 'token-new');
    await page.locator('#name').fill(`Vendor ${lang}`);
    await page.locator('#uses').fill('3');
    await send(page, '/admin/tokens');
    const token = await main(page).locator('code').first().innerText();
    await look(page, 'token-made');
    assert.equal((await register(token)).status, 201);
    await opened(page, '/admin/tokens');
    assert.doesNotMatch(await page.content(), new RegExp(token), 'it is shown once');
    await look(page, 'tokens');
    await main(page).locator('a[href$="/revoke"]').first().click();
    await page.waitForURL(/revoke/);
    await look(page, 'token-revoke');
    await send(page, new URL(page.url()).pathname);
    assert.equal((await register(token)).status, 401);
    await page.context().close();
  });

  test(`a provider is set up and switched off, on a ${screen} in ${lang}`, async () => {
    const page = await openWindow(browser, { ...SCREENS[screen], locale: lang });
    await signIn(page, deployment.url, people.omar);
    await opened(page, '/admin/upstream/new/other');
    await look(page, 'provider-other');
    await opened(page, '/admin/upstream/new/google');
    await look(page, 'provider-new');
    for (const [field, value] of Object.entries({ slug: `google-${lang}`, client_id: 'us', client_secret: 'not to be seen again' })) await page.locator(`#${field}`).fill(value);
    await send(page, '/admin/upstream/new/google');
    assert.match(await main(page).innerText(), /\/sign-in\/upstream\/google-(en|uk)\/callback/);
    await look(page, 'provider');
    await opened(page, `/admin/upstream/google-${lang}/disable`);
    await look(page, 'provider-disable');
    await send(page, `/admin/upstream/google-${lang}/disable`);
    await opened(page, '/admin/upstream');
    await look(page, 'providers');
    await page.context().close();
  });

  test(`a person is linked to a patient, on a ${screen} in ${lang}`, async () => {
    const page = await openWindow(browser, { ...SCREENS[screen], locale: lang });
    await signIn(page, deployment.url, people.omar);
    await opened(page, '/admin/people');
    const person = await page.locator('main a', { hasText: 'Nadia' }).getAttribute('href');
    await opened(page, person);
    await page.locator('#fhir_user').fill('Observation/1');
    await send(page, `${person}/fhir-user`);
    assert.equal(await main(page).locator('[role=alert]').count(), 1);
    await look(page, 'record-refused');
    await page.locator('#fhir_user').fill('Patient/pat-1');
    await send(page, `${person}/fhir-user`);
    await page.locator('#patient').fill('pat-2');
    await page.locator('#label').fill('Danylo Petrenko');
    await page.locator('input[value="proxy"]').check();
    await send(page, `${person}/patients`);
    assert.match(await main(page).locator('table').innerText(), /Danylo Petrenko/);
    await look(page, 'person');
    await main(page).locator('a[href$="/unlink"]').click();
    await page.waitForURL(/unlink/);
    await look(page, 'patient-unlink');
    await send(page, new URL(page.url()).pathname);
    assert.equal(await main(page).locator('table').count(), 0);
    await page.context().close();
  });
}
