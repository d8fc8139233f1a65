// Every page, as each kind of person meets it: no accessibility faults that axe can find, nothing wider than a small phone, small enough to be quick.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { application, people } from './support/declarations.js';
import { arrange, link, signedIn, tidyUp } from './support/link.js';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const pictures = process.env.PICTURES; // a folder, where somebody wants to look
const BYTES_MAX = 60 * 1024;

let browser, party, deployment;

before(async () => {
  ({ party, deployment } = await arrange());
  await deployment.start();
  const { browser: nadia } = await signedIn(deployment);
  await link(deployment, nadia);
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  if (pictures) await mkdir(pictures, { recursive: true });
});

after(async () => {
  await browser?.close();
  await tidyUp(deployment, party);
});

async function enter(person, options = {}) {
  // axe is put into the page by the test; the policy that forbids this to everybody else is shown to hold by the headers of every answer.
  const context = await browser.newContext({ bypassCSP: true, ...options });
  const page = await context.newPage();
  if (person) {
    await page.goto(`${deployment.url}/sign-in`);
    await page.getByLabel('E-mail').fill(person.email);
    await page.getByLabel('Password').fill(person.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
  }
  return page;
}

// Every page that can be reached from here by links of our own.
async function crawl(page, start, pagesMax = 80) {
  const seen = new Map();
  const queue = [start];
  while (queue.length && seen.size < pagesMax) {
    const path = queue.shift();
    if (seen.has(path)) continue;
    const answer = await page.goto(`${deployment.url}${path}`);
    seen.set(path, { status: answer.status(), headers: await answer.allHeaders(), bytes: (await answer.body()).length });
    const links = await page.locator('a[href]').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
    const own = links.filter((href) => href.startsWith('/') && !href.startsWith('//') && !/^\/(assets|docs|openapi|oauth2|integrations\/oauth2)/.test(href)).map((href) => href.split('#')[0]);
    // Lists of the catalogue are long and alike: three of a kind are enough.
    for (const href of own) {
      const kind = href.replace(/\?.*/, '?').replace(/[0-9a-f-]{36}|\/new\/[^/]+/g, ':id');
      const alike = [...seen.keys(), ...queue].filter((other) => other.replace(/\?.*/, '?').replace(/[0-9a-f-]{36}|\/new\/[^/]+/g, ':id') === kind);
      if (alike.length < 3 && !seen.has(href)) queue.push(href);
    }
  }
  return seen;
}

async function judge(page, path, name) {
  await page.goto(`${deployment.url}${path}`);
  await page.addScriptTag({ path: axe });
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }));
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html).join(' | ')}`), [], path);
  assert.equal(await page.locator('h1').count(), 1, `${path} has one main heading`);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(overflow <= 0, `${path} is ${overflow} px wider than the screen`);
  if (pictures) await page.screenshot({ path: `${pictures}/${name}${path.replace(/[^a-z0-9]+/gi, '_').slice(0, 60)}.png`, fullPage: true });
}

const cases = [
  ['a stranger', null, ['/sign-in', '/nowhere', '/signed-out'], 1],
  ['a patient', people.nadia, ['/integrations/'], 2],
  ['a developer and administrator', people.omar, ['/integrations/', '/developer/', '/admin/'], 20],
];

for (const [who, person, starts, least] of cases) {
  for (const [screen, options] of [['desk', { viewport: { width: 1280, height: 900 } }], ['phone', { viewport: { width: 320, height: 700 }, colorScheme: 'dark' }]]) {
    test(`the pages of ${who} on a ${screen}`, { timeout: 300_000 }, async () => {
      const page = await enter(person, options);
      const seen = new Map();
      for (const start of starts) for (const [path, found] of await crawl(page, start)) seen.set(path, found);
      assert.ok(seen.size >= least, `only ${seen.size} pages found: ${[...seen.keys()]}`);
      for (const [path, { status, headers, bytes }] of seen) {
        assert.ok(status === 200 || path === '/nowhere', `${path} answers ${status}`);
        assert.match(headers['content-security-policy'], /default-src 'none'.*frame-ancestors 'none'/, path);
        assert.doesNotMatch(headers['content-security-policy'], /unsafe/, path);
        assert.ok(bytes < BYTES_MAX, `${path} has ${bytes} bytes`);
        await judge(page, path, `${who.replaceAll(' ', '-')}-${screen}`);
      }
      await page.context().close();
    });
  }
}

test('every page works without JavaScript', async () => {
  const page = await enter(people.nadia, { javaScriptEnabled: false });
  await page.goto(`${deployment.url}/integrations/`);
  await page.getByRole('link', { name: /unlink/i }).first().click();
  assert.match(await page.locator('main').innerText(), /Heart diary|Integration #1/);
});
