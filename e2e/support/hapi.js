// A FHIR server that others wrote: HAPI FHIR JPA on PostgreSQL, as the benchmarks set it up (benches/records/hapi). `./test` has Maven build it.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort, freshDatabase } from './hilum.js';

const made = path.resolve(import.meta.dirname, '../../target/tmp/records-peer');
const START_MS_MAX = 240_000;

export class Hapi {
  // Null (told once) where there is no database for it.
  static async start() {
    const database = await freshDatabase('hapi');
    if (!database) return null;
    const { hostname, port: databasePort, pathname, username, password } = new URL(database);
    const jdbc = `jdbc:postgresql://${hostname}:${databasePort}${pathname}?user=${username}&password=${password}`;
    const server = new Hapi();
    server.port = await freePort();
    server.host = `127.0.0.1:${server.port}`;
    server.base = `http://${server.host}/fhir`;
    server.folder = await mkdtemp(path.join(tmpdir(), 'hilum-hapi-'));
    const classPath = `${made}/classes:${await readFile(path.join(made, 'class-path.txt'), 'utf8')}`;
    const words = ['-Xmx768m', '-XX:TieredStopAtLevel=1', '-Duser.timezone=UTC', `-Djava.io.tmpdir=${server.folder}`, '-cp', classPath.trim(), 'Peer', `${server.port}`, jdbc, 'off'];
    server.child = spawn('java', words, { stdio: ['ignore', 'pipe', 'pipe'] });
    await server.ready();
    // What it says of itself it makes when it is first asked, which takes it long.
    await server.call('GET', '/metadata');
    return server;
  }

  async ready() {
    let said = '';
    const ended = new Promise((resolve) => this.child.once('exit', () => resolve('ended')));
    const began = new Promise((resolve) => this.child.stdout.on('data', (bytes) => /ready/.test((said += bytes)) && resolve('ready')));
    this.child.stderr.on('data', (bytes) => (said = (said + bytes).slice(-8_000)));
    const late = new Promise((resolve) => setTimeout(resolve, START_MS_MAX, 'late').unref());
    const how = await Promise.race([ended, began, late]);
    if (how !== 'ready') throw new Error(`HAPI does not start (${how}):\n${said}`);
  }

  // Call it as anybody may. What is not the status that is wanted ends the test.
  async call(method, below, body, wanted = 200) {
    const answer = await fetch(below.startsWith('http') ? below : `${this.base}${below}`, {
      method, headers: { 'content-type': 'application/fhir+json', ...(below !== '/metadata' && { 'cache-control': 'no-cache' }) }, body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    if (answer.status !== wanted) throw new Error(`${method} ${below}: ${answer.status} ${text.slice(0, 2_000)}`);
    return { status: answer.status, body: text ? JSON.parse(text) : null };
  }

  async remove() {
    this.child.kill('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }
}
