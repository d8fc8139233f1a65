// SMART App Launch with npm fhirclient, untouched, on pages of an application in Chromium.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { application } from './support/clients.js';
import { people } from './support/declarations.js';
import { SITE, records, siteWith, tokenFor } from './support/fhir.js';
import { freePort } from './support/hilum.js';
import { tidyUp } from './support/link.js';
import { Browser, authorize } from './support/person.js';

const library = path.resolve(import.meta.dirname, 'node_modules/fhirclient/build/fhir-client.min.js');
const SCOPE = 'openid fhirUser launch launch/patient patient/Patient.rs patient/Observation.rs offline_access';

let deployment, fhir, home, site, growth, ehr, portal, browser;

before(async () => {
  const port = await freePort();
  home = `http://127.0.0.1:${port}`;
  growth = application('growth', {
    redirectUri: `${home}/index.html`, secret: null, grants: ['authorization_code', 'refresh_token'],
    scopes: `${SCOPE} launch/encounter patient/*.rs`, more: 'profile = "smart-app-launch-2.2"',
  });
  ehr = application('ehr', { redirectUri: 'http://127.0.0.1:9/ehr', grants: ['client_credentials'], scopes: 'launch:create' });
  portal = application('portal', { redirectUri: 'http://127.0.0.1:9/portal' });
  const patient = (id, relation, label) => `{ id = "${id}", relation = "${relation}", label = "${label}" }`;
  deployment = await siteWith([growth, ehr, portal], {
    about: {
      nadia: `fhir_user = "Patient/pat-1"\npatients = [${patient('pat-1', 'self', 'Nadia Petrenko')}]`,
      omar: `fhir_user = "Practitioner/dr-1"\npatients = [${patient('pat-1', 'practitioner', 'Nadia Petrenko')}, ${patient('pat-2', 'practitioner', 'Amal Haddad')}]`,
    },
  });
  fhir = `${deployment.url}/fhir`;
  const call = records(deployment, await tokenFor(deployment));
  for (const id of ['pat-1', 'pat-2', 'pat-7']) await call('PUT', `/fhir/Patient/${id}`, { resourceType: 'Patient', id, name: [{ family: id }] });
  const script = await readFile(library, 'utf8');
  const page = (what) => `<!doctype html><title>Growth chart</title><main></main><script src="/fhir-client.js"></script><script>
    const say = (what) => { document.querySelector('main').textContent = JSON.stringify(what); };
    ${what}.catch((error) => say({ error: String(error) }));</script>`;
  const pages = {
    '/standalone.html': page(`FHIR.oauth2.authorize({ clientId: '${growth.id}', scope: '${SCOPE}', redirectUri: '${growth.redirectUri}', iss: '${fhir}' })`),
    '/launch.html': page(`FHIR.oauth2.authorize({ clientId: '${growth.id}', scope: '${SCOPE}', redirectUri: '${growth.redirectUri}' })`),
    '/index.html': page(`FHIR.oauth2.ready().then(async (client) => {
      const headers = { 'SU-SiteId': '${SITE}' };
      const found = await client.request({ url: 'Patient', headers });
      const own = await client.request({ url: 'Patient/' + client.patient.id, headers, includeResponse: true });
      const refused = await client.request({ url: 'Patient/nobody', headers }).catch((error) => error.status);
      say({ patient: client.patient.id, encounter: client.encounter.id, fhirUser: client.user.fhirUser, answer: client.state.tokenResponse,
        found: found.entry.map((entry) => entry.resource.id), family: own.body.name[0].family, etag: own.response.headers.get('etag'), refused }); })`),
  };
  site = createServer((request, response) => {
    const name = request.url.split('?')[0];
    if (name === '/fhir-client.js') return response.setHeader('content-type', 'text/javascript').end(script);
    return pages[name] ? response.setHeader('content-type', 'text/html').end(pages[name]) : response.writeHead(404).end();
  });
  await new Promise((resolve) => site.listen(port, '127.0.0.1', resolve));
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
});
after(async () => {
  await browser?.close();
  site?.close();
  await tidyUp(deployment);
});

async function signIn(page, { email, password }) {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

async function told(page) {
  await page.waitForURL(`${growth.redirectUri}**`);
  await page.waitForFunction(() => document.querySelector('main')?.textContent);
  const said = JSON.parse(await page.locator('main').textContent());
  assert.equal(said.error, undefined, said.error);
  assert.deepEqual([said.found, said.family, said.etag, said.refused], [[said.patient], said.patient, 'W/"1"', 404], 'from its own page it reads the one patient, and no other');
  return said;
}

test('fhirclient launches standalone: a patient signs in and the application learns whom it is about', async () => {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${home}/standalone.html`);
  await signIn(page, people.nadia);
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  const said = await told(page);
  assert.equal(said.patient, 'pat-1');
  assert.equal(said.fhirUser, 'Patient/pat-1');
  assert.ok(said.answer.refresh_token && said.answer.id_token);
  const scopes = said.answer.scope.split(' ');
  assert.ok(scopes.includes('patient/Observation.rs') && !scopes.includes('launch'), 'a launch that was none is left out');
});

test('fhirclient launches standalone: a practitioner picks the patient', async () => {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${home}/standalone.html`);
  await signIn(page, people.omar);
  await page.getByText('Amal Haddad').click();
  if (page.url().includes('/launch/')) await page.getByRole('button', { name: /continue|choose|go on/i }).first().click();
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  const said = await told(page);
  assert.equal(said.patient, 'pat-2');
  assert.equal(said.fhirUser, 'Practitioner/dr-1');
});

// What a clinical system does: says whom the launch is about, and opens the application's launch address.
async function launch(user, more) {
  const basic = `Basic ${Buffer.from(`${ehr.id}:${ehr.secret}`).toString('base64')}`;
  const form = new URLSearchParams({ grant_type: 'client_credentials', scope: 'launch:create' });
  const { access_token: token } = await (await fetch(`${deployment.url}/oauth2/token`, { method: 'POST', headers: { authorization: basic }, body: form })).json();
  const answer = await fetch(`${deployment.url}/oauth2/launch`, {
    method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ client_id: growth.id, user, ...more }),
  });
  assert.equal(answer.status, 201, await answer.clone().text());
  return answer.json();
}

test('fhirclient is launched by a clinical system, for the patient that it says and once', async () => {
  const { id_token: idToken } = await authorize(deployment, new Browser(), people.omar, portal, 'openid');
  const { sub } = JSON.parse(Buffer.from(idToken.split('.')[1], 'base64url'));
  const made = await launch(sub, { patient: 'pat-7', encounter: 'enc-7', need_patient_banner: true, intent: 'reconcile' });
  assert.equal(made.iss, fhir);
  const address = `${home}/launch.html?${new URLSearchParams({ iss: made.iss, launch: made.launch })}`;
  const page = await (await browser.newContext()).newPage();
  await page.goto(address);
  await signIn(page, people.omar);
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  const said = await told(page);
  assert.equal(said.patient, 'pat-7');
  assert.equal(said.encounter, 'enc-7');
  assert.equal(said.answer.need_patient_banner, true);
  assert.equal(said.answer.intent, 'reconcile');
  assert.equal(said.fhirUser, 'Practitioner/dr-1');
  await page.goto(address);
  await page.waitForURL(`${growth.redirectUri}**`);
  await page.waitForFunction(() => document.querySelector('main')?.textContent);
  assert.match(await page.locator('main').textContent(), /error/, 'a launch is spent by its first use');
});
