// Looking at a page in Chromium: no accessibility faults that axe can find, the language that it says, nothing wider than the screen.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const pictures = process.env.PICTURES; // a folder, where somebody wants to look

export const SCREENS = {
  desk: { viewport: { width: 1280, height: 900 } },
  phone: { viewport: { width: 320, height: 700 }, colorScheme: 'dark' },
};

export async function openBrowser() {
  if (pictures) await mkdir(pictures, { recursive: true });
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

// A window of somebody's own. axe is put into the page by the test; that the policy forbids this to everybody else is shown by the headers of every answer.
export async function openWindow(browser, options = {}) {
  const context = await browser.newContext({ bypassCSP: true, ...options });
  return context.newPage();
}

// Sign in, whatever the page's language.
export async function signIn(page, base, person) {
  await page.goto(`${base}/sign-in`);
  await fillIn(page, person);
  await page.waitForURL((url) => url.pathname !== '/sign-in');
}

// The form of the sign-in page.
export async function fillIn(page, { email, password }) {
  await page.locator('#email').fill(email);
  await page.locator('#password').fill(password);
  await page.locator('form[action="/sign-in"] button').click();
}

// Judge the page that is open.
export async function judge(page, name, { lang = 'en' } = {}) {
  const where = `${name} (${page.url()})`;
  await page.addScriptTag({ path: axe });
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }));
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html).join(' | ')}`), [], where);
  assert.equal(await page.locator('html').getAttribute('lang'), lang, `${where} says its language`);
  assert.equal(await page.locator('h1').count(), 1, `${where} has one main heading`);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(overflow <= 0, `${where} is ${overflow} px wider than the screen`);
  if (pictures) await page.screenshot({ path: `${pictures}/${name.replace(/[^a-z0-9-]+/gi, '_').slice(0, 80)}.png`, fullPage: true });
}
