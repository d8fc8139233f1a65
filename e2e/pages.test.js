// Every page, as each kind of person meets it: no accessibility faults that axe can find, nothing wider than a small phone, small enough to be quick.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { people } from './support/declarations.js';
import { arrange, link, signedIn, tidyUp } from './support/link.js';
import { SCREENS, judge, openBrowser, openWindow, signIn } from './support/look.js';

const BYTES_MAX = 60 * 1024;

let browser, party, deployment;

before(async () => {
  ({ party, deployment } = await arrange());
  await deployment.start();
  const { browser: nadia } = await signedIn(deployment);
  await link(deployment, nadia);
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await tidyUp(deployment, party);
});

async function enter(person, options = {}) {
  const page = await openWindow(browser, options);
  if (person) await signIn(page, deployment.url, person);
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

const cases = [
  ['a stranger', null, ['/sign-in', '/nowhere', '/signed-out'], 1],
  ['a patient', people.nadia, ['/integrations/'], 2],
  ['a developer and administrator', people.omar, ['/integrations/', '/developer/', '/admin/'], 20],
];


for (const [who, person, starts, least] of cases) {
  for (const [screen, lang] of [['desk', 'en'], ['phone', 'uk']]) {
    test(`the pages of ${who} on a ${screen} in ${lang}`, { timeout: 300_000 }, async () => {
      const page = await enter(person, { ...SCREENS[screen], locale: lang });
      const seen = new Map();
      for (const start of starts) for (const [path, found] of await crawl(page, start)) seen.set(path, found);
      assert.ok(seen.size >= least, `only ${seen.size} pages found: ${[...seen.keys()]}`);
      for (const [path, { status, headers, bytes }] of seen) {
        assert.ok(status === 200 || path === '/nowhere', `${path} answers ${status}`);
        assert.match(headers['content-security-policy'], /default-src 'none'.*frame-ancestors 'none'/, path);
        assert.doesNotMatch(headers['content-security-policy'], /unsafe/, path);
        assert.ok(bytes < BYTES_MAX, `${path} has ${bytes} bytes`);
        await page.goto(`${deployment.url}${path}`);
        await judge(page, `${who}-${screen}${path}`, { lang });
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
