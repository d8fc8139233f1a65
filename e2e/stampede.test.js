// A thousand callers over four processes find one expired connection: the third party sees exactly one refresh.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshDatabase } from './support/hilum.js';
import { api, arrange, link, signedIn, tidyUp } from './support/link.js';

const CALLERS = 1_000;
const NODES = 4;

async function stampede(storeUrl, { nodes, stallMs, settings = {} }) {
  const { party, deployment } = await arrange({ storeUrl, settings });
  try {
    party.accessTokenS = 1;
    for (let n = 0; n < nodes; n += 1) await deployment.start();
    const { browser, token } = await signedIn(deployment);
    await link(deployment, browser);
    await new Promise((resolve) => setTimeout(resolve, 1_500)); // the third party's clock, not ours: its token must run out
    party.stallMs = stallMs;
    const callers = deployment.nodes.map((node) => api(node.url, token));
    const call = (n) => callers[n % callers.length]('GET', '/integrations/v1/integration-1/proxy/me').then((answer) => answer.status);
    const statuses = await Promise.all(Array.from({ length: CALLERS }, (_, n) => call(n)));
    // Whoever was told to come back later comes back once the third party has answered.
    const deadline = Date.now() + stallMs + 30_000;
    let later;
    do {
      later = await Promise.all(callers.map((_, n) => call(n)));
      await new Promise((resolve) => setTimeout(resolve, 200));
    } while (later.some((s) => s !== 200) && Date.now() < deadline);
    return { party, statuses, later };
  } finally {
    await tidyUp(deployment, party);
  }
}

function judge({ party, statuses, later }) {
  const told = statuses.filter((s) => s !== 200 && s !== 503);
  assert.deepEqual(told, [], 'a caller gets data, or is told to come back');
  assert.ok(later.every((s) => s === 200), `afterwards: ${later}`);
  assert.equal(party.calls.refresh_token, 1, 'exactly one token call');
  assert.equal(party.grantsRevoked ?? 0, 0, 'no grant revoked');
}

test('one process on SQLite', async () => {
  const run = await stampede(undefined, { nodes: 1, stallMs: 0 });
  judge(run);
  assert.ok(run.statuses.every((s) => s === 200), 'everybody is served');
});

test('four processes on PostgreSQL', async (t) => {
  const storeUrl = await freshDatabase('stampede');
  if (!storeUrl) return t.skip('no TEST_DATABASE_URL');
  const run = await stampede(storeUrl, { nodes: NODES, stallMs: 0 });
  judge(run);
  assert.ok(run.statuses.every((s) => s === 200), 'everybody is served');
});

test('four processes, the token endpoint stalled beyond the lease', async (t) => {
  const storeUrl = await freshDatabase('stalled');
  if (!storeUrl) return t.skip('no TEST_DATABASE_URL');
  judge(await stampede(storeUrl, { nodes: NODES, stallMs: 40_000 }));
});
