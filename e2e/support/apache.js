// An Apache of our own with mod_auth_openidc in front of one page: its own folder, its own port, gone with the test.
import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const binary = process.env.APACHE ?? '/usr/sbin/apache2';
const modules = process.env.APACHE_MODULES ?? '/usr/lib/apache2/modules';
const START_MS_MAX = 15_000;

export class Apache {
  // `settings` are directives of mod_auth_openidc.
  static async start(port, settings) {
    const folder = await mkdtemp(path.join(tmpdir(), 'hilum-apache-'));
    await chmod(folder, 0o755);
    for (const name of ['pages/private', 'cache', 'run']) await mkdir(path.join(folder, name), { recursive: true });
    await chmod(path.join(folder, 'cache'), 0o777);
    await writeFile(path.join(folder, 'pages/private/index.html'), 'behind the door');
    const load = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'dir', 'headers', 'auth_openidc'];
    const asRoot = process.getuid() === 0 ? 'User www-data\nGroup www-data' : '';
    await writeFile(path.join(folder, 'apache.conf'), `
ServerRoot ${folder}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
${asRoot}
${load.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`).join('\n')}
DefaultRuntimeDir ${folder}/run
PidFile ${folder}/run/apache.pid
ErrorLog ${folder}/error.log
LogLevel warn auth_openidc:info
DocumentRoot ${folder}/pages
DirectoryIndex index.html
${Object.entries(settings).map(([name, value]) => `${name} ${value}`).join('\n')}
<Location /private>
  AuthType openid-connect
  Require valid-user
  Header set X-Person "expr=%{REMOTE_USER}"
  Header set X-Name "%{OIDC_CLAIM_name}e"
</Location>
`);
    const child = spawn(binary, ['-f', path.join(folder, 'apache.conf'), '-DFOREGROUND'], { stdio: ['ignore', 'pipe', 'pipe'] });
    const apache = new Apache();
    Object.assign(apache, { folder, child, url: `http://127.0.0.1:${port}`, output: '' });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (apache.output += bytes));
    apache.ended = new Promise((resolve) => child.once('exit', resolve));
    const deadline = Date.now() + START_MS_MAX;
    while (child.exitCode === null && Date.now() < deadline) {
      if (await fetch(apache.url).catch(() => null)) return apache;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`Apache did not start: ${apache.output}${await apache.log()}`);
  }

  log() {
    return readFile(path.join(this.folder, 'error.log'), 'utf8').catch(() => '');
  }

  async shut() {
    this.child.kill('SIGTERM');
    await this.ended;
    await rm(this.folder, { recursive: true, force: true });
  }
}
