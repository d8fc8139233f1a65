// What we sign, the official libraries of Standard Webhooks verify, and what was changed on the way they refuse.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Webhook } from 'standardwebhooks';
import { Deployment } from './support/hilum.js';

const python = process.env.HILUM_PYTHON ?? path.resolve(import.meta.dirname, '../target/python/bin/python');
const KEY = 'a-key-of-the-tests-that-is-long-enough-0123456789';
const declarations = `
[organisation]
slug = "northwind"
name = "Northwind Hospital"
sites = { main = "Main building" }

[[api_key]]
name = "hooks"
scopes = "webhook:read webhook:write"
roles = ["org_admin"]
key = "${KEY}"
`;

let deployment, receiver, keyId;
const sent = [];
const waiting = [];

before(async () => {
  receiver = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const call = { headers: request.headers, body: Buffer.concat(pieces).toString() };
    response.end('thank you');
    const next = waiting.shift();
    if (next) next(call);
    else sent.push(call);
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const settings = { HILUM__INTEGRATIONS__ALLOW_INTERNAL: JSON.stringify([`127.0.0.1:${receiver.address().port}`]) };
  deployment = await Deployment.make({ declarations, settings });
  const { stdout } = await deployment.command('load', path.join(deployment.folder, 'declarations.toml'));
  [keyId] = stdout.match(/[a-z0-9]{6}\.hooks/);
  await deployment.start();
});
after(async () => {
  await deployment?.remove();
  receiver?.close();
});

const next = () => (sent.length ? Promise.resolve(sent.shift()) : new Promise((resolve) => waiting.push(resolve)));

async function call(method, below, body) {
  const answer = await fetch(`${deployment.url}/api/v1/integrations/webhooks${below}`, {
    method,
    headers: { 'x-api-key': `${keyId}.${KEY}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  assert.ok(answer.ok, `${method} ${below}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
}

const pythonSays = async (secret, { headers, body }) => {
  const script = path.resolve(import.meta.dirname, 'python/webhook_verify.py');
  const { stdout } = await promisify(execFile)(python, [script, secret, headers['webhook-id'], headers['webhook-timestamp'], headers['webhook-signature'], body]);
  return stdout.trim();
};

test('the official libraries accept what we sign and refuse what was changed', async () => {
  const url = `http://127.0.0.1:${receiver.address().port}/in`;
  const endpoint = await call('POST', '', { name: 'Tests', url });
  await call('POST', `/${endpoint.id}/test`);
  const message = await next();
  const verifier = new Webhook(endpoint.secret);
  assert.equal(verifier.verify(message.body, message.headers).type, 'webhook.test');
  assert.equal(await pythonSays(endpoint.secret, message), 'accepted');
  const late = String(Number(message.headers['webhook-timestamp']) + 1);
  const changed = [
    { ...message, body: message.body.replace('webhook.test', 'webhook.tess') },
    { ...message, headers: { ...message.headers, 'webhook-timestamp': late } },
    { ...message, headers: { ...message.headers, 'webhook-id': endpoint.id } },
  ];
  for (const one of changed) {
    assert.throws(() => verifier.verify(one.body, one.headers));
    assert.equal(await pythonSays(endpoint.secret, one), 'refused');
  }
  const log = await call('GET', `/${endpoint.id}/deliveries?state=delivered`);
  assert.equal(log.total, 1);
});

test('while keys overlap, each of them verifies', async () => {
  const { items } = await call('GET', '?q=Tests');
  const rotated = await call('POST', `/${items[0].id}/rotate-secret`);
  await call('POST', `/${items[0].id}/test`);
  const message = await next();
  assert.equal(message.headers['webhook-signature'].split(' ').length, 4);
  new Webhook(rotated.secret).verify(message.body, message.headers);
  const [newest] = rotated.public_keys;
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(newest.key.replace('whpk_', ''), 'base64')]);
  const signed = Buffer.from(`${message.headers['webhook-id']}.${message.headers['webhook-timestamp']}.${message.body}`);
  const { createPublicKey, verify } = await import('node:crypto');
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  const signatures = message.headers['webhook-signature'].split(' ').filter((one) => one.startsWith('v1a,'));
  assert.ok(signatures.some((one) => verify(null, signed, key, Buffer.from(one.slice(4), 'base64'))));
});

test('kill -9 while events are told: each is told in the end, under its own id', async () => {
  const url = `http://127.0.0.1:${receiver.address().port}/in`;
  const endpoint = await call('POST', '', { name: 'Killed', url });
  const wanted = new Set();
  let [node] = deployment.nodes;
  for (let n = 0; n < 60; n += 1) {
    wanted.add((await call('POST', `/${endpoint.id}/test`)).event_id);
    if (n % 20 === 10) {
      await node.kill();
      node = await deployment.start();
    }
  }
  const told = new Set();
  while ([...wanted].some((id) => !told.has(id))) told.add((await next()).headers['webhook-id']);
  const deadline = Date.now() + 60_000;
  let pending;
  do {
    pending = (await call('GET', `/${endpoint.id}/deliveries?state=pending`)).total;
  } while (pending > 0 && Date.now() < deadline);
  assert.equal(pending, 0);
  assert.equal((await call('GET', `/${endpoint.id}/deliveries?state=delivered`)).total, wanted.size);
});
