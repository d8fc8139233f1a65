// Two processes share the budget of one integration through Redis: a sync on one and tests on the other are together within it. When Redis dies each process
// counts for itself; nothing stops and nothing is lost.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { freePort, freshDatabase } from './support/hilum.js';
import { Staff } from './support/staff.js';
import { TOKEN, TYPES, TroubledSource } from './support/troubled_source.js';

const RECORDS = 800;
const PAGE = 10;
const CALLS_PER_SECOND = 10;
const LATE = 9; // calls whose turns were given before it was watched: one of each of the seven that ask, and the first of each process
const WATCHED_MS = 8_000;
const ENDS_MS_MAX = 5 * 60_000;

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function redisServer() {
  const port = await freePort();
  const child = spawn('redis-server', ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: ['ignore', 'pipe', 'ignore'] });
  for await (const bytes of child.stdout) if (String(bytes).includes('Ready to accept connections')) break;
  return { url: `redis://127.0.0.1:${port}/`, kill: () => child.kill('SIGKILL') };
}

test('two processes share a budget through Redis, and go on when it dies', { timeout: ENDS_MS_MAX }, async (t) => {
  const storeUrl = await freshDatabase('budget');
  if (!storeUrl) return t.skip('no TEST_DATABASE_URL');
  const redis = await redisServer();
  const source = await TroubledSource.open({ records: RECORDS, seed: 1 });
  const settings = { HILUM__INTEGRATIONS__ALLOW_INTERNAL: JSON.stringify([source.host]), HILUM__REDIS__URL: redis.url };
  const staff = await Staff.make({ storeUrl, settings });
  try {
    const other = new Staff(staff.deployment, staff.key);
    other.url = (await staff.deployment.start()).url;
    const { body: { id } } = await staff.want(201, 'POST', '', {
      name: 'Clinic', type: 'fhir', provider: 'custom', sync_frequency: 'manual', credentials: { token: TOKEN },
      config: {
        base_url: source.base, auth_type: 'bearer', site_id: await staff.siteId(), resource_types: TYPES, page_size: PAGE,
        budget: { calls_per_second: CALLS_PER_SECOND },
      },
    });
    await staff.want(200, 'POST', `/${id}/test`);
    await staff.want(200, 'POST', `/${id}/activate`);
    const { body: { job_id: job } } = await staff.want(202, 'POST', `/${id}/sync`, { sync_type: 'full' });
    const now = async () => (await staff.want(200, 'GET', `/sync-jobs/${job}`)).body;
    // A process is asked for a test again and again; which one runs the sync is not told, so both are, and thrice at once.
    let isOver = false;
    const asking = [staff, other, staff, other, staff, other].map(async (one) => { while (!isOver) await one.ask('POST', `/${id}/test`); });
    const watched = async () => {
      const [before, began] = [source.calls, performance.now()];
      await wait(WATCHED_MS);
      return (source.calls - before - LATE) / ((performance.now() - began) / 1_000);
    };
    const shared = await watched();
    const pagesBefore = source.pages;
    redis.kill();
    const alone = await watched();
    isOver = true;
    await Promise.all(asking);
    assert.ok(source.pages > pagesBefore, 'the sync goes on without Redis');
    const deadline = Date.now() + ENDS_MS_MAX;
    let run;
    do {
      run = await now();
      await wait(200);
    } while (run.finished_at === null && Date.now() < deadline);
    console.log(`# ${JSON.stringify({ callsPerSecond: { shared, alone }, report: run.report })}`);
    assert.ok(shared <= CALLS_PER_SECOND, `${shared} calls a second`);
    // As many as are allowed come through, not some part of them.
    assert.ok(shared >= 0.7 * CALLS_PER_SECOND, `only ${shared} calls a second`);
    assert.ok(alone <= 2 * CALLS_PER_SECOND, `${alone} calls a second without Redis`);
    // Both have asked for as much as they may: that each counted for itself is seen, so it would have been seen before.
    assert.ok(alone > shared, `${shared} calls a second with Redis, ${alone} without`);
    assert.deepEqual([run.status, run.report.received, run.report.stored], ['done', RECORDS, RECORDS - source.bad().length]);
  } finally {
    redis.kill();
    source.close();
    await staff.deployment.remove();
  }
});
