// schemathesis tries everything that the document of managed integrations says, and everything that it does not: no answer may differ from it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Staff } from './support/staff.js';

const tool = process.env.HILUM_SCHEMATHESIS ?? path.resolve(import.meta.dirname, '../target/python/bin/schemathesis');
const SECONDS = 150;
// A stream has no end to wait for, and ends after ten minutes; `crates/webhooks/tests/it/streams.rs` reads it.
const ENDLESS = '/api/v1/integrations/events';

let staff;
before(async () => {
  staff = await Staff.make();
});
after(() => staff?.deployment.remove());

function tried(...words) {
  const child = spawn(tool, ['--config-file', path.resolve(import.meta.dirname, 'schemathesis.toml'), 'run', ...words], {
    cwd: staff.deployment.folder, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (said += bytes));
  return new Promise((resolve) => child.once('exit', (code) => resolve({ code, said })));
}

test('no answer differs from the document', { timeout: (SECONDS + 90) * 1000 }, async () => {
  const { code, said } = await tried(
    `${staff.url}/openapi.json`, '--include-path-regex', '^/api/v1/integrations', '--exclude-path', ENDLESS, '--header', `X-API-Key: ${staff.key}`,
    '--checks', 'all', '--max-examples', '20', '--max-time', String(SECONDS), '--no-color', '--continue-on-failure',
  );
  assert.equal(code, 0, said);
  const [, cases] = said.match(/(\d+) generated/) ?? [];
  assert.ok(Number(cases) > 1000, said);
});
