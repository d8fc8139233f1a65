// The plug is pulled at every moment between the third party's answer and the durable save. A rotated token that had reached us is never lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, arrange, link, signedIn, tidyUp } from './support/link.js';

const RUNS = Number(process.env.CRASH_RUNS ?? 500);
const LATEST_MS = 30;

test(`kill -9 around the save of a refreshed credential, ${RUNS} runs`, async () => {
  const { party, deployment } = await arrange();
  try {
    party.accessTokenS = 1;
    party.refreshedTokenS = 1;
    let node = await deployment.start();
    const { browser, token } = await signedIn(deployment);
    await link(deployment, browser);
    const tally = { kept: 0, lostBeforeItReachedUs: 0 };
    for (let run = 0; run < RUNS; run += 1) {
      const call = api(node.url, token);
      const status = (await call('GET', '/integrations/v1/integration-1')).body;
      if (!status.connected) {
        // The one case nobody can save: the third party had rotated and its answer never reached a disk of ours. It must be named for what it is.
        const audit = await deployment.command('audit', '--act', 'connection.needs_reconnect', '--last', '1');
        assert.match(audit.stdout, /rotation_lost/, `run ${run}: ${audit.stdout}`);
        tally.lostBeforeItReachedUs += 1;
        await link(deployment, browser);
      }
      const answered = new Promise((resolve) => { party.onTokenAnswer = resolve; });
      const acted = call('GET', '/integrations/v1/integration-1/proxy/me').catch(() => null);
      await Promise.race([answered, acted.then(() => new Promise((resolve) => setTimeout(resolve, 1_100))).then(() => call('GET', '/integrations/v1/integration-1/proxy/me').catch(() => null))]);
      await new Promise((resolve) => setTimeout(resolve, (run % 100) / 100 * LATEST_MS));
      await node.kill();
      node = await deployment.start();
      tally.kept += 1;
    }
    console.log(`# ${JSON.stringify(tally)}`);
  } finally {
    await tidyUp(deployment, party);
  }
});
