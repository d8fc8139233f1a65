// The ways to sign in, in Chromium with an authenticator of its own: passkeys, an app, recovery codes, step-up, sessions.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { deploymentFor } from './support/clients.js';
import { people } from './support/declarations.js';
import { freePort } from './support/hilum.js';
import { tidyUp } from './support/link.js';
import { fillIn, openBrowser, openWindow, signIn } from './support/look.js';
import { totp } from './support/totp.js';

const PASSKEY = 'urn:hilum:acr:passkey';
let browser, deployment;

before(async () => {
  // Passkeys belong to a name, and `localhost` is the one that needs no TLS.
  const port = await freePort();
  deployment = await deploymentFor([], { port, settings: { HILUM__SERVER__PUBLIC_URL: `http://localhost:${port}` } });
  deployment.url = `http://localhost:${port}`;
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await tidyUp(deployment);
});

const at = (page, path) => page.goto(`${deployment.url}${path}`);
const main = (page) => page.locator('main').innerText();
const press = (page, name) => page.getByRole('button', { name, exact: true }).click();

async function signOut(page) {
  await at(page, '/sign-out');
  await page.locator('main form[action="/sign-out"] button').click();
  await page.waitForURL('**/signed-out');
}

async function isSignedIn(page) {
  await at(page, '/account/security');
  return new URL(page.url()).pathname === '/account/security';
}

// A device that keeps passkeys, and has just seen its owner's finger.
async function authenticator(page) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  return {
    verifies: (isUserVerified) => cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
    credentials: async () => (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
  };
}

test('a passkey signs in alone, as the second step and as a step-up, and no more once it is removed', { timeout: 120_000 }, async () => {
  const page = await openWindow(browser);
  const device = await authenticator(page);
  await signIn(page, deployment.url, people.nadia);
  await at(page, '/account/security');

  // Whoever the device does not recognise makes no passkey.
  await device.verifies(false);
  await page.getByLabel('Name of the passkey').fill('Laptop');
  await press(page, 'Add a passkey');
  await page.getByText('The passkey was not made.').waitFor();
  assert.equal((await device.credentials()).length, 0);
  await device.verifies(true);
  await press(page, 'Add a passkey');
  await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor();
  const codes = await page.locator('.codes code').allInnerTexts();
  assert.equal(codes.length, 10);
  await page.getByRole('link', { name: 'I have kept them' }).click();
  assert.match(await main(page), /You sign in with a passkey[\s\S]*Laptop/);
  const [credential] = await device.credentials();
  assert.ok(credential.isResidentCredential, 'the person need not say who they are');

  // Alone.
  await signOut(page);
  await at(page, '/sign-in');
  await press(page, 'Use a passkey');
  await page.waitForURL('**/integrations/');
  await at(page, '/account/security');
  assert.match(await page.locator('tr', { hasText: 'This browser' }).innerText(), /with a passkey/);

  // As the second step, and not where the device refuses.
  await signOut(page);
  await signIn(page, deployment.url, people.nadia);
  assert.match(await main(page), /Your password is right\./);
  assert.equal(await isSignedIn(page), false, 'halfway is not in');
  await signIn(page, deployment.url, people.nadia);
  await device.verifies(false);
  await press(page, 'Use a passkey');
  await page.getByText('The passkey was not used.').waitFor();
  await device.verifies(true);
  await press(page, 'Use a passkey');
  await page.waitForURL('**/integrations/');

  // A recovery code in its place, once.
  await signOut(page);
  await signIn(page, deployment.url, people.nadia);
  assert.match(await main(page), /recovery codes that you wrote down/);
  await page.locator('#code').fill(codes[0]);
  await press(page, 'Go on');
  await page.waitForURL('**/integrations/');
  assert.ok(await isSignedIn(page));
  assert.match(await main(page), /9 are left/);

  // Something asks for more than that: the passkey is enough, and nothing else is.
  const stronger = `/sign-in?${new URLSearchParams({ return_to: '/account/applications', acr: PASSKEY })}`;
  await at(page, stronger);
  await fillIn(page, people.nadia);
  await page.waitForURL('**/sign-in/second?**');
  await page.locator('#code').fill(codes[1]);
  await press(page, 'Go on');
  await page.waitForURL('**/account/security?**');
  assert.match(await main(page), /asks for a stronger sign-in than/);
  await at(page, stronger);
  await press(page, 'Use a passkey');
  await page.waitForURL('**/account/applications');

  // Removed, it is good for nothing, although the device keeps it.
  await at(page, '/account/security');
  await page.getByRole('link', { name: 'Remove Laptop' }).click();
  assert.match(await main(page), /Your password alone is enough/);
  await press(page, 'Remove');
  await page.getByText('Removed.').waitFor();
  await signOut(page);
  assert.equal((await device.credentials()).length, 1);
  await at(page, '/sign-in');
  await press(page, 'Use a passkey');
  await page.getByText('This passkey does not sign you in here.').first().waitFor();
  assert.equal(await isSignedIn(page), false);
  await page.context().close();
});

test('an authenticator app, set up and used without JavaScript; each code and each recovery code works once', { timeout: 120_000 }, async () => {
  const page = await openWindow(browser, { javaScriptEnabled: false });
  await signIn(page, deployment.url, people.omar);
  await at(page, '/account/security');
  await press(page, 'Add an authenticator app');
  await page.waitForURL('**/account/security/apps/*');
  const shown = await page.locator('.shown-once code').innerText();
  assert.match(shown, /^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$/, 'in fours');
  assert.ok(await page.locator('svg.qr').isVisible());
  const address = page.locator('a[href^="otpauth:"]');
  assert.equal(await address.isVisible(), false, 'the address is folded away');
  await page.getByText('The app is on this very device').click();
  assert.equal(new URL(await address.getAttribute('href')).searchParams.get('secret'), shown.replaceAll(' ', ''));
  await page.locator('#code').fill(totp(shown, -9));
  await press(page, 'Add this app');
  assert.match(await main(page), /This is not the code that the app shows now/);
  const first = totp(shown);
  await page.locator('#code').fill(first);
  await page.locator('#name').fill('Pixel');
  await press(page, 'Add this app');
  const codes = await page.locator('.codes code').allInnerTexts();
  assert.equal(codes.length, 10);

  const second = async (code) => {
    await signIn(page, deployment.url, people.omar);
    await page.locator('#code').fill(code);
    await press(page, 'Go on');
    return new URL(page.url()).pathname !== '/sign-in/second';
  };
  await signOut(page);
  assert.equal(await second(first), false, 'the code that set it up');
  const next = totp(shown, 1);
  assert.equal(await second(next), true);
  await signOut(page);
  assert.equal(await second(next), false, 'the same code again');
  assert.match(await main(page), /The code is not right, or was used before/);
  assert.equal(await second(codes[3].toUpperCase().replaceAll('-', ' ')), true, 'a recovery code, typed in another way');
  await signOut(page);
  assert.equal(await second(codes[3]), false, 'the same recovery code again');
  await page.context().close();
});

test('a person sees where they are signed in, and ends it there', { timeout: 120_000 }, async () => {
  const here = await openWindow(browser);
  const there = await openWindow(browser, { userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1' });
  const elsewhere = await openWindow(browser, { userAgent: 'Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0' });
  for (const page of [here, there, elsewhere]) await signIn(page, deployment.url, people.nadia);
  await at(here, '/account/security');
  await here.locator('tr', { hasText: 'Safari on iPhone' }).getByRole('button').click();
  await here.getByText('Signed out there.').waitFor();
  assert.equal(await isSignedIn(there), false);
  assert.ok(await isSignedIn(elsewhere));
  await at(here, '/account/security');
  await press(here, 'Sign out everywhere else');
  await here.getByText('Signed out there.').waitFor();
  assert.equal(await isSignedIn(elsewhere), false);
  assert.ok(await isSignedIn(here));
  assert.equal(await here.locator('form[action$="/end"]').count(), 0);
  for (const page of [here, there, elsewhere]) await page.context().close();
});
