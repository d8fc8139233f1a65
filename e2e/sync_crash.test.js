// A sync of many records from a source in trouble, while processes are killed at random moments and started again. It ends with exactly what the source has: each
// record once, in as many versions as it was stored, and the reports add up. A source that tells its outages as its end fails the same check.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { freshDatabase } from './support/hilum.js';
import { Staff } from './support/staff.js';
import { TOKEN, TYPES, TroubledSource, chance, sum } from './support/troubled_source.js';

const RECORDS = Number(process.env.SYNC_RECORDS ?? 10_000); // issue 6 asks for 100,000, which takes a debug build longer than a run of all tests may
const PAGES = 100;
const PERCENT = 12; // of answers meet trouble
const CHANGED_AT_ONCE = 5;
const TAKEN_OVER_MS_MAX = 30_000;
const ENDS_MS_MAX = Math.max(10, RECORDS / 1_000) * 60_000;
const SEED = Number(process.env.SYNC_SEED ?? 20_261_122);

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Whether a process has this port of this machine open (`proc(5)`).
function isOpenIn(pid, port) {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n').map((line) => line.trim().split(/\s+/));
  const sockets = lines.filter((line) => line[1]?.endsWith(`:${hex}`)).map((line) => `socket:[${line[9]}]`);
  const link = (name) => { try { return readlinkSync(`/proc/${pid}/fd/${name}`); } catch { return ''; } };
  return readdirSync(`/proc/${pid}/fd`).some((name) => sockets.includes(link(name)));
}

class Ordeal {
  static async make({ storeUrl, nodes = 1, records = RECORDS, lies = false }) {
    const source = await TroubledSource.open({ records, seed: SEED, lies });
    const staff = await Staff.make({ allowed: [source.host], storeUrl, scopes: 'system/*.cruds' });
    for (let n = 1; n < nodes; n += 1) await staff.deployment.start();
    const ordeal = new Ordeal(source, staff, chance(SEED + 1));
    const made = await staff.want(201, 'POST', '', {
      name: 'Clinic', type: 'fhir', provider: 'custom', sync_frequency: 'manual', credentials: { token: TOKEN },
      config: { base_url: source.base, auth_type: 'bearer', site_id: await staff.siteId(), resource_types: TYPES, page_size: Math.min(1_000, Math.max(20, records / PAGES)) },
    });
    ordeal.id = made.body.id;
    const tested = await staff.want(200, 'POST', `/${ordeal.id}/test`);
    assert.notEqual(tested.body.status, 'error', JSON.stringify(tested.body));
    await staff.want(200, 'POST', `/${ordeal.id}/activate`);
    return ordeal;
  }

  constructor(source, staff, draw) {
    Object.assign(this, { source, staff, draw, runs: [], takenOver: [] });
  }

  async remove() {
    this.source.close();
    await this.staff.deployment.remove();
  }

  get alive() {
    return this.staff.deployment.nodes.filter((node) => node.alive);
  }

  async begin(sync_type) {
    const { body } = await this.staff.want(202, 'POST', `/${this.id}/sync`, { sync_type });
    this.runs.push(body.job_id);
  }

  async ended() {
    const deadline = Date.now() + ENDS_MS_MAX;
    for (;;) {
      const { body } = await this.staff.want(200, 'GET', `/sync-jobs/${this.runs.at(-1)}`);
      if (body.finished_at !== null) return body;
      assert.ok(Date.now() < deadline, `the sync does not end: ${JSON.stringify(body)}`);
      await wait(200);
    }
  }

  // Somewhere between one page and the next: asked for, stored, committed.
  async somewhere(pages) {
    while (this.source.pages < pages) await this.source.asked();
    await wait(this.draw() * this.source.pace());
  }

  // A node that has asked for the last page dies and is started again, at once where there is no other one, and else when that has gone on.
  async kill() {
    const { deployment } = this.staff;
    const victim = this.alive.find((node) => isOpenIn(node.child.pid, this.source.port)) ?? this.alive[0];
    const isCalm = this.source.isCalm;
    const killed = performance.now();
    await victim.kill();
    const next = this.source.asked();
    if (this.alive.length === 0) await deployment.start();
    this.staff.url = this.alive[0].url;
    for (let n = 0; n < CHANGED_AT_ONCE; n += 1) this.source.change();
    const takenOver = (await next) - killed;
    this.takenOver.push(Math.round(takenOver));
    // What met trouble was put off before.
    assert.ok(!isCalm || takenOver < TAKEN_OVER_MS_MAX, `nobody went on for ${takenOver} ms`);
    if (this.alive.length < this.nodes) await deployment.start();
  }

  // A full run while nodes die at these many moments, and an incremental one for what changed behind it.
  async go(kills, nodes = 1) {
    const { source } = this;
    Object.assign(this, { nodes });
    source.percent = PERCENT;
    await this.begin('full');
    const moments = Array.from({ length: kills }, () => Math.floor((0.05 + 0.8 * this.draw()) * PAGES)).sort((a, b) => a - b);
    for (const pages of moments) {
      await this.somewhere(pages);
      await this.kill();
    }
    const full = await this.ended();
    await this.begin('incremental');
    const rest = await this.ended();
    source.percent = 0;
    return [full, rest];
  }

  // Every record of the site: name → what it says and in which version.
  async stored() {
    const [id, secret] = [this.staff.key.split('.hlm_')[0], `hlm_${this.staff.key.split('.hlm_')[1]}`];
    const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
    const body = new URLSearchParams({ grant_type: 'client_credentials', scope: 'system/*.cruds' });
    const token = await (await fetch(`${this.staff.url}/oauth2/token`, { method: 'POST', headers: { authorization }, body })).json();
    this.headers = { authorization: `Bearer ${token.access_token}`, 'su-siteid': 'HCNWMN1' };
    const found = new Map();
    for (const type of TYPES) {
      let url = `${this.staff.url}/fhir/${type}?_count=1000`;
      while (url) {
        const answer = await fetch(url, { headers: this.headers });
        const bundle = await answer.json();
        assert.equal(answer.status, 200, JSON.stringify(bundle));
        for (const { resource } of bundle.entry ?? []) {
          const name = `${resource.resourceType}/${resource.id}`;
          assert.ok(!found.has(name), `${name} comes twice`);
          found.set(name, { sum: sum(resource), version: Number(resource.meta.versionId) });
        }
        const next = bundle.link?.find((link) => link.relation === 'next')?.url;
        url = next && new URL(new URL(next).pathname + new URL(next).search, this.staff.url).href;
      }
    }
    return found;
  }

  async quarantined() {
    const names = [];
    let below = `/${this.id}/quarantine?limit=100`;
    while (below) {
      const { body } = await this.staff.want(200, 'GET', below);
      names.push(...body.items.map((one) => `${one.resource_type}/${one.resource_id}`));
      below = body.next_cursor && `/${this.id}/quarantine?limit=100&cursor=${body.next_cursor}`;
    }
    return names;
  }

  // What the source, the site and the reports have against one another; nothing where all is as it should be.
  async differences(reports) {
    const told = [];
    const add = (words) => { if (told.length < 20) told.push(words); };
    for (const { status, report } of reports) {
      if (status !== 'done') add(`a run is ${status}`);
      const { received, stored, unchanged, quarantined, deleted } = report;
      if (received !== stored + unchanged + quarantined + deleted) add(`a report does not add up: ${JSON.stringify(report)}`);
      if (deleted !== 0) add(`${deleted} deleted`);
    }
    const [there, here] = [this.source.good(), await this.stored()];
    for (const [name, said] of there) if (here.get(name)?.sum !== said) add(`${name} is not as it is there`);
    for (const name of here.keys()) if (!there.has(name)) add(`${name} is too many`);
    const total = (of) => reports.reduce((all, { report }) => all + report[of], 0);
    const versions = [...here.values()].reduce((all, { version }) => all + version, 0);
    if (versions !== total('stored')) add(`${versions} versions, ${total('stored')} stored`);
    for (const [name, { version }] of here) {
      const most = 1 + (this.source.changes.get(Number(name.split('/r')[1])) ?? 0);
      if (version > most) add(`${name} in ${version} versions, of ${most} at the source`);
    }
    const bad = this.source.bad();
    const waiting = await this.quarantined();
    if (waiting.sort().join() !== bad.sort().join()) add(`${waiting.length} in quarantine, not ${bad.length}`);
    return told;
  }
}

async function survived({ storeUrl, nodes, kills }) {
  const ordeal = await Ordeal.make({ storeUrl, nodes });
  try {
    const began = performance.now();
    const reports = await ordeal.go(kills, nodes);
    const took = Math.round((performance.now() - began) / 1000);
    assert.deepEqual(await ordeal.differences(reports), []);
    const { source } = ordeal;
    assert.equal(new Set(source.met).size, 8, `too little trouble: ${source.met}`);
    console.log(`# ${JSON.stringify({ records: RECORDS, seconds: took, pages: source.pages, troubles: source.met.length, takenOverMs: ordeal.takenOver, reports: reports.map((one) => one.report) })}`);
    // The check sees an effect that happens twice: the same record, written once more.
    const record = source.resource(0);
    const put = await fetch(`${ordeal.staff.url}/fhir/Patient/${record.id}`, {
      method: 'PUT', headers: { ...ordeal.headers, 'content-type': 'application/fhir+json' }, body: JSON.stringify({ ...record, active: !record.active }),
    });
    assert.equal(put.status, 200, await put.text());
    const seen = await ordeal.differences(reports);
    assert.ok(seen.some((words) => words.includes('versions')), `${seen}`);
  } finally {
    await ordeal.remove();
  }
}

test(`${RECORDS} records and kill -9, one process on SQLite`, { timeout: ENDS_MS_MAX }, () => survived({ nodes: 1, kills: 6 }));

test(`${RECORDS} records and kill -9, two processes on PostgreSQL in turn`, { timeout: ENDS_MS_MAX }, async (t) => {
  const storeUrl = await freshDatabase('sync');
  if (!storeUrl) return t.skip('no TEST_DATABASE_URL');
  return survived({ storeUrl, nodes: 2, kills: 3 });
});

test('a source that tells its outages as its end loses records, and the same check sees it', async () => {
  const ordeal = await Ordeal.make({ records: 2_000, lies: true });
  try {
    const seen = await ordeal.differences(await ordeal.go(0));
    assert.ok(seen.some((words) => words.endsWith('is not as it is there')), `nothing was lost: ${seen}`);
  } finally {
    await ordeal.remove();
  }
});
