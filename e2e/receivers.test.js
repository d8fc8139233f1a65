// The pages of whoever receives an endpoint's calls, behind a link, and those of staff for integrations: in both languages, on a desk and on a phone, with axe, and
// without JavaScript.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { SCREENS, judge, openBrowser, openWindow, signIn } from './support/look.js';
import { Staff, TOKEN, fhirSource } from './support/staff.js';

const INES = { email: 'ines@northwind.example', password: 'winter orchard compass' };

let staff, source, sink, browser, endpoint, integration;
let answer = 503;

before(async () => {
  source = await fhirSource(12);
  sink = createServer((request, response) => {
    request.resume();
    response.writeHead(answer).end(answer === 200 ? 'thank you' : 'closed for the night');
  }).listen(0, '127.0.0.1');
  await once(sink, 'listening');
  const hooks = `127.0.0.1:${sink.address().port}`;
  staff = await Staff.make({ allowed: [source.host, hooks] });
  await staff.deployment.load(`[organisation]\nslug = "northwind"\nname = "Organisation northwind"\n\n[[person]]\nemail = "${INES.email}"\nname = "Ines Novak"\npassword = "${INES.password}"\nroles = ["org_admin"]\n`);
  endpoint = await done('POST', '/webhooks', { name: 'Riverside Lab', url: `http://${hooks}/in` });
  integration = await done('POST', '', {
    name: 'Kelvin Hospital', type: 'fhir', provider: 'custom', credentials: { token: TOKEN },
    config: { base_url: source.base, auth_type: 'bearer', site_id: await staff.siteId(), resource_types: ['Patient'] },
  });
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await staff?.deployment.remove();
  sink?.close();
  source?.server.close();
});

async function done(method, below, body) {
  const answer = await staff.ask(method, below, body);
  assert.ok(answer.status < 300, `${method} ${below}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

const link = async () => (await done('POST', `/webhooks/${endpoint.id}/receiver-links`, { name: 'Night shift' })).path;

test('a receiver tries out, pauses and mends its endpoint without an account and without JavaScript', { timeout: 120_000 }, async () => {
  const page = await openWindow(browser, { javaScriptEnabled: false });
  const path = await link();
  await page.goto(`${staff.url}${path}`);
  assert.equal(new URL(page.url()).pathname, `/receivers/${endpoint.id}`, 'the token is gone from the address');
  await page.getByRole('button', { name: 'Send a test event' }).click();
  for (let tries = 0; !(await page.getByText('closed for the night').count()); tries += 1) {
    assert.ok(tries < 100, 'the call was not made');
    await page.goto(`${staff.url}/receivers/${endpoint.id}`);
    const row = page.getByRole('link', { name: 'webhook.test' }).first();
    if (await row.count()) await row.click();
  }
  answer = 200;
  await page.getByRole('button', { name: 'Deliver again' }).click();
  for (let tries = 0; !(await page.locator('td .state.good').count()); tries += 1) {
    assert.ok(tries < 100, 'it was not taken');
    await page.goto(`${staff.url}/receivers/${endpoint.id}`);
  }
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  assert.match(await page.locator('.lead').innerText(), /paused/);
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('link', { name: 'Draw new keys' }).click();
  await page.getByRole('button', { name: 'Draw new keys' }).click();
  assert.match(await page.locator('main').innerText(), /whsec_/);
  await page.goto(`${staff.url}/receivers/${endpoint.id}`);
  assert.doesNotMatch(await page.content(), /whsec_|hlm_r/);
  await page.getByRole('button', { name: 'Leave this page' }).click();
  await page.goto(`${staff.url}/receivers/${endpoint.id}`);
  assert.equal(await page.locator('h1').innerText(), 'This link opens nothing');
  await page.context().close();
});

for (const [screen, lang] of [['desk', 'en'], ['phone', 'uk']]) {
  test(`the receivers' pages on a ${screen} in ${lang}`, { timeout: 120_000 }, async () => {
    const page = await openWindow(browser, { ...SCREENS[screen], locale: lang });
    await page.goto(`${staff.url}${await link()}`);
    await judge(page, `receiver-${screen}-endpoint`, { lang });
    const home = page.url();
    await page.getByRole('link', { name: 'webhook.test' }).first().click();
    await judge(page, `receiver-${screen}-delivery`, { lang });
    await page.goto(`${home}/secret`);
    await judge(page, `receiver-${screen}-rotate`, { lang });
    await page.locator('main form button').click();
    await judge(page, `receiver-${screen}-secret`, { lang });
    await page.goto(`${staff.url}/receivers/open/hlm_rl_nobody`);
    await judge(page, `receiver-${screen}-none`, { lang });
    await page.context().close();
  });

  test(`the pages of staff on a ${screen} in ${lang}`, { timeout: 240_000 }, async () => {
    const page = await openWindow(browser, { ...SCREENS[screen], locale: lang });
    await signIn(page, staff.url, INES);
    const at = `/staff/integrations/${integration.id}`;
    await page.goto(`${staff.url}${at}`);
    await page.locator(`form[action="${at}/test"] button`).click();
    assert.equal(await page.locator('.checks .state.bad').count(), 0, await page.locator('main').innerText());
    await judge(page, `staff-${screen}-tested`, { lang });
    if (screen === 'desk') await done('POST', `/${integration.id}/activate`);
    await page.goto(`${staff.url}${at}/syncs`);
    await page.locator(`form[action="${at}/syncs"] button`).last().click();
    for (let tries = 0; (await page.locator('tbody tr:first-child .state.good').count()) === 0; tries += 1) {
      assert.ok(tries < 200, 'the sync did not end');
      await page.goto(`${staff.url}${at}/syncs`);
    }
    const paths = ['/staff/integrations', at, `${at}/syncs`, `${at}/quarantine`, `${at}/logs`, `${at}/metrics`, '/staff/alerts', '/staff/webhooks', `/staff/webhooks/${endpoint.id}`];
    for (const path of paths) {
      assert.equal((await page.goto(`${staff.url}${path}`)).status(), 200, path);
      await judge(page, `staff-${screen}${path.replace(/(int_)?[0-9a-f-]{32,36}/, 'one')}`, { lang });
    }
    await page.goto(`${staff.url}/staff/webhooks/${endpoint.id}/links/new`);
    await judge(page, `staff-${screen}-link-new`, { lang });
    await page.locator('#name').fill('Night shift');
    await page.locator('main form button').click();
    assert.match(await page.locator('main').innerText(), /\/receivers\/open\/hlm_rl_/);
    await judge(page, `staff-${screen}-link`, { lang });
    await page.context().close();
  });
}
