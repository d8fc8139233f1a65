// `./start` prints calls to try: here they are pasted into a shell, as they stand.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const binary = process.env.HILUM_BIN ?? path.resolve(import.meta.dirname, '../target/debug/hilum');

// Four free ports in a row: the demonstration has four processes.
async function ports() {
  const take = (port) => new Promise((resolve, reject) => {
    const server = createServer().once('error', reject).listen(port, '127.0.0.1', () => resolve(server));
  });
  for (let tries = 0; tries < 50; tries += 1) {
    const taken = [await take(0)];
    const { port } = taken[0].address();
    try {
      for (const nth of [1, 2, 3]) taken.push(await take(port + nth));
      return port;
    } catch { /* one of them is taken: elsewhere */ } finally {
      await Promise.all(taken.map((server) => new Promise((resolve) => server.close(resolve))));
    }
  }
  throw new Error('no four free ports in a row');
}

// What the demonstration says until it has said everything, and how to stop it.
async function start(folder, port) {
  const { PATH, HOME } = process.env;
  const child = spawn(binary, ['demo', '--folder', folder, '--port', String(port)], { env: { PATH, HOME }, stdio: ['ignore', 'pipe', 'inherit'] });
  const said = [];
  for await (const line of readline.createInterface({ input: child.stdout })) {
    said.push(line);
    if (line.includes('-d \'{"resourceType"')) break;
  }
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const base = `http://127.0.0.1:${port}`;
  for (let ready = false; !ready;) ready = await fetch(`${base}/fhir/metadata`).then((answer) => answer.ok, () => false);
  return { said: said.join('\n'), stop: () => { child.kill('SIGTERM'); return ended; } };
}

test('the calls that hilum demo prints work when they are pasted, twice over', { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'hilum-demo-'));
  const port = await ports();
  try {
    let patients;
    for (const weights of [2, 3]) {
      const demo = await start(folder, port);
      try {
        assert.match(demo.said, new RegExp(`http://127.0.0.1:${port}/fhir `));
        const calls = demo.said.slice(demo.said.indexOf('  KEY=')).replace(/^\S.*$/gm, '').replaceAll('curl -s', 'echo ,; curl -sS --fail-with-body').replaceAll('$(echo ,; ', '$(');
        const { stdout } = await run('bash', ['-euc', `echo '['; echo 0\n${calls}\necho ']'`]);
        const [, providers, registered, listed, discovery, metadata, found, observations, made] = JSON.parse(stdout);
        assert.ok(providers.items.some(({ provider }) => provider === 'medidata'));
        assert.equal(registered.status, 'pending');
        assert.ok(listed.items.some(({ id }) => id === registered.id));
        assert.ok(discovery.search_records_namespace);
        assert.equal(metadata.resourceType, 'CapabilityStatement');
        assert.deepEqual(found.entry.map((entry) => entry.resource.name[0].given[0]).sort(), ['Daryna', 'Nadia']);
        assert.equal(observations.entry.filter((entry) => entry.resource.code?.text === 'Body weight').length, weights - 1);
        assert.equal(observations.entry.filter((entry) => entry.search.mode === 'include').length, 1);
        assert.equal(made.resourceType, 'Observation');
        patients ??= found;
        assert.deepEqual(found.entry, patients.entry, 'started again, the records are as they were');
      } finally {
        await demo.stop();
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
