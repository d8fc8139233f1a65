// A Hilum of our own for a test: an empty folder, the real binary, real sockets.
import { spawn, execFile } from 'node:child_process';
import { mkdtemp, writeFile, readFile, rm, readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

const run = promisify(execFile);
const binary = process.env.HILUM_BIN ?? path.resolve(import.meta.dirname, '../../target/debug/hilum');
const START_MS_MAX = 30_000;

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

// A fresh PostgreSQL database; null (told once) where no server is given.
export async function freshDatabase(name) {
  const base = process.env.TEST_DATABASE_URL;
  if (!base) {
    console.log(`SKIPPED ${name}: no TEST_DATABASE_URL`);
    return null;
  }
  const database = `e2e_${name}_${process.pid}_${Date.now()}`;
  const client = new pg.Client({ connectionString: base });
  await client.connect();
  await client.query(`CREATE DATABASE ${database}`);
  await client.end();
  const url = new URL(base);
  url.pathname = `/${database}`;
  return url.toString();
}

export class Deployment {
  constructor(folder, url, port, settings) {
    Object.assign(this, { folder, url, port, settings, nodes: [] });
  }

  // An empty folder, a key, migrated and loaded with `declarations` (the text of a file for `hilum load`, made with the public URL).
  static async make({ declarations, settings = {}, storeUrl, port }) {
    const folder = await mkdtemp(path.join(tmpdir(), 'hilum-e2e-'));
    port ??= await freePort();
    const url = `http://127.0.0.1:${port}`;
    const deployment = new Deployment(folder, url, port, {
      HILUM__SERVER__PUBLIC_URL: url,
      HILUM__STORE__URL: storeUrl ?? `sqlite:${path.join(folder, 'hilum.db')}`,
      HILUM__VAULT__ROOT_KEY_FILE: path.join(folder, 'root.key'),
      HILUM__LIMITS__SIGN_IN_PER_MINUTE: '100000',
      HILUM__LIMITS__TOKEN_PER_MINUTE: '100000',
      HILUM__LIMITS__REQUESTS_PER_MINUTE: '1000000',
      ...settings,
    });
    await deployment.command('init');
    await deployment.load(declarations);
    return deployment;
  }

  async load(declarations) {
    const file = path.join(this.folder, 'declarations.toml');
    await writeFile(file, declarations);
    await this.command('load', file);
  }

  environment(extra) {
    const { PATH, HOME, HILUM_DATA } = process.env;
    return { PATH, HOME, HILUM_DATA, ...this.settings, ...extra };
  }

  async command(...words) {
    return run(binary, words, { cwd: this.folder, env: this.environment({}) });
  }

  // Start a node. The first listens at the public URL, further ones at ports of their own.
  async start({ settings = {}, port } = {}) {
    port ??= this.nodes.some((node) => node.alive) ? await freePort() : this.port;
    const adminPort = await freePort();
    const env = this.environment({
      HILUM__SERVER__LISTEN: `127.0.0.1:${port}`,
      HILUM__SERVER__ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
      ...settings,
    });
    const child = spawn(binary, ['serve'], { cwd: this.folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const node = new Node(child, `http://127.0.0.1:${port}`, `http://127.0.0.1:${adminPort}`);
    this.nodes.push(node);
    await node.ready();
    return node;
  }

  async stop() {
    await Promise.all(this.nodes.filter((node) => node.alive).map((node) => node.stop()));
  }

  async remove() {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  // Every byte that the deployment has left in its folder, by file.
  async files() {
    const names = await readdir(this.folder, { recursive: true, withFileTypes: true });
    const files = names.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
    return Promise.all(files.map(async (name) => ({ name, bytes: await readFile(name) })));
  }

  logs() {
    return this.nodes.map((node) => node.output).join('');
  }
}

class Node {
  constructor(child, url, adminUrl) {
    Object.assign(this, { child, url, adminUrl, output: '', alive: true });
    const keep = (bytes) => (this.output += bytes);
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    this.ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(((this.alive = false), { code, signal }))));
  }

  async ready() {
    const deadline = Date.now() + START_MS_MAX;
    while (this.alive && Date.now() < deadline) {
      const answer = await fetch(`${this.adminUrl}/health/ready`).catch(() => null);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`hilum did not become ready:\n${this.output}`);
  }

  async stop() {
    this.child.kill('SIGTERM');
    return this.ended;
  }

  async kill() {
    this.child.kill('SIGKILL');
    return this.ended;
  }
}
