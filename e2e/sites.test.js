// An administrator gives a site its code and the organisation its plan, in a browser; what is changed there is in force for the next call.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { people } from './support/declarations.js';
import { engine, records, tokenFor } from './support/fhir.js';
import { deploymentFor } from './support/clients.js';
import { tidyUp } from './support/link.js';
import { SCREENS, judge, openBrowser, openWindow, signIn } from './support/look.js';

const CODE = 'HCNEW01';

let browser, deployment, call;

before(async () => {
  deployment = await deploymentFor([engine], { organisation: 'sites = { main = "Main building", harbour = "Harbour clinic" }' });
  call = records(deployment, await tokenFor(deployment), CODE);
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await tidyUp(deployment);
});

const save = (page) => page.getByRole('button', { name: 'Save', exact: true }).click();
const patient = { resourceType: 'Patient', name: [{ family: 'Pages' }] };

test('a site gets its code and the plan its subscriptions, each in force at once and on record', async () => {
  const page = await openWindow(browser, { ...SCREENS.desk, locale: 'en' });
  await signIn(page, deployment.url, people.omar);
  await page.goto(`${deployment.url}/admin/`);
  await page.getByRole('link', { name: 'Records of sites' }).click();
  await page.getByText('0 of 2 sites take records').waitFor();
  assert.equal((await call('GET', '/fhir/Patient')).status, 403, 'there is no such code yet');
  await page.getByRole('link', { name: 'Main building' }).click();
  await page.getByLabel('Site code').fill('X-1');
  await page.getByLabel('All records, unchecked').check();
  await save(page);
  await page.getByText('Must be HC and five letters or digits').first().waitFor();
  assert.ok(await page.getByLabel('All records, unchecked').isChecked(), 'what was filled in is still there');
  await judge(page, 'site-refused', { lang: 'en' });
  await page.getByLabel('Site code').fill(CODE.toLowerCase());
  await save(page);
  await page.getByText('Saved.').waitFor();
  assert.equal(await page.getByLabel('Site code').count(), 0, 'a code stays');
  await page.getByText('fhir_site.assigned').waitFor();
  await page.getByLabel('Who may break the glass').fill('Patient/1');
  await save(page);
  await page.getByText('Must be Practitioner/ and an id').first().waitFor();
  await page.getByLabel('Who may break the glass').fill('Practitioner/5');
  await page.getByLabel('Records like others').check();
  await save(page);
  await page.getByText('Saved.').waitFor();
  assert.equal(await page.getByLabel('Who may break the glass').inputValue(), 'Practitioner/5');
  assert.ok(await page.getByLabel('Records like others').isChecked());
  const issue = (await call('POST', '/fhir/Patient', patient)).body.issue[0];
  assert.match(issue.diagnostics, /subscription `base`/);
  await page.getByRole('link', { name: 'Records of sites' }).first().click();
  await page.getByText('The plan is empty').waitFor();
  for (const name of ['Base', 'Clinical']) await page.getByLabel(name, { exact: false }).first().check();
  await page.getByRole('button', { name: 'Save the plan' }).click();
  await page.getByText('Saved.').waitFor();
  await page.getByText('fhir_plan.changed').waitFor();
  assert.equal((await call('POST', '/fhir/Patient', patient)).status, 201);
  await page.getByLabel('Base', { exact: false }).first().uncheck();
  await page.getByRole('button', { name: 'Save the plan' }).click();
  await page.getByText('Saved.').waitFor();
  assert.equal((await call('POST', '/fhir/Patient', patient)).status, 403);
  await page.context().close();
});

for (const [screen, lang, colorScheme] of [['desk', 'en', 'light'], ['desk', 'uk', 'dark'], ['phone', 'uk', 'light'], ['phone', 'en', 'dark']]) {
  test(`the pages of sites on a ${screen} in ${lang}, ${colorScheme}`, async () => {
    const page = await openWindow(browser, { ...SCREENS[screen], locale: lang, colorScheme });
    await signIn(page, deployment.url, people.omar);
    for (const [name, path] of [['sites', '/admin/sites'], ['site', null]]) {
      await page.goto(path ? `${deployment.url}${path}` : await page.locator('main th a').first().evaluate((link) => link.href));
      await judge(page, `${name}-${screen}-${lang}-${colorScheme}`, { lang });
    }
    await page.context().close();
  });
}
