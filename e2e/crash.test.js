// The plug is pulled at every moment between the third party's answer and the durable save, and the deployment started again.
//
// A rotated token that had reached us (its answer is in the journal) is never lost. One case nobody can save: the third party had rotated and the
// process died before the answer was on disk. It must then be named for what it is, `rotation_lost`, and never look like a person's withdrawal.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { application, declarations, internal } from './support/declarations.js';
import { Deployment } from './support/hilum.js';
import { link, signedIn, tidyUp } from './support/link.js';
import { OneTime } from './support/one_time.js';

const RUNS = Number(process.env.CRASH_RUNS ?? 500);
const STEPS = 25; // moments at which the plug is pulled, a fifth of a millisecond apart at first, wider later
const call = '/integrations/v1/integration-1/proxy/me';

let party, deployment, person;

before(async () => {
  party = await OneTime.open();
  deployment = await Deployment.make({ declarations: declarations({ party }), settings: { ...internal(party), HILUM__TOKENS__ACCESS_TOKEN_S: '86400' } });
  await deployment.start();
  person = await signedIn(deployment);
  await link(deployment, person.browser);
});
after(() => tidyUp(deployment, party));

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
// Spin rather than sleep: a timer is too coarse for moments between two writes.
const spin = (ms) => { const end = performance.now() + ms; while (performance.now() < end); };

async function reason() {
  const { stdout } = await deployment.command('audit', '--organisation', 'northwind', '--act', 'connection.needs_reconnect', '--last', '1');
  return stdout;
}

test(`kill -9 around the save of a rotated token, ${RUNS} runs`, { timeout: 30 * 60_000 }, async () => {
  const tally = { runs: 0, kept: 0, diedBeforeItReachedUs: 0 };
  for (let run = 0; run < RUNS; run += 1) {
    const node = deployment.nodes.at(-1);
    const answered = new Promise((resolve) => { party.onTokenAnswer = resolve; });
    party.endAccess();
    const acted = person.api('GET', call).catch(() => null);
    const outcome = await Promise.race([answered.then(() => 'answered'), acted.then((answer) => answer?.status), wait(15_000).then(() => 'nothing')]);
    assert.equal(outcome, 'answered', `run ${run}: the call has to renew, since its token has been ended`);
    const step = run % STEPS;
    spin(step * step * 0.02);
    await node.kill();
    await acted;
    await deployment.start();
    tally.runs += 1;
    // What was journalled is taken up again at start, or by the next call at the latest.
    const next = await settled();
    if (next.status === 200) tally.kept += 1;
    else {
      const why = await reason();
      assert.match(why, /rotation_lost/, `run ${run}: ${next.status} ${JSON.stringify(next.body)} ${why}`);
      tally.diedBeforeItReachedUs += 1;
      await link(deployment, person.browser);
    }
  }
  console.log(`# ${JSON.stringify({ ...tally, reuseSeenByThirdParty: party.reused })}`);
  assert.equal(tally.kept + tally.diedBeforeItReachedUs, RUNS);
  assert.ok(tally.kept > 0 && party.reused <= tally.diedBeforeItReachedUs, 'a used refresh token is sent again only where its answer never arrived');
});

// A caller may be told to come back while the renewal is sorted out; what counts is how it ends.
async function settled() {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answer = await person.api('GET', call);
    if (answer.status !== 503 || Date.now() > deadline) return answer;
    await wait(100);
  }
}
