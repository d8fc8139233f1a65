// What the tests of real clients declare: people, and one application for each client library.
import { Deployment } from './hilum.js';
import { people } from './declarations.js';

// An application as `hilum load` wants it: `name` is its place in the client id too.
export function application(name, { redirectUri, secret = `secret-of-${name}-`.padEnd(64, '0123456789abcdef'), grants = ['authorization_code', 'client_credentials'], scopes = 'openid profile email', more = '' } = {}) {
  const opaque = Buffer.from(name.padEnd(16, '-')).toString('hex').slice(0, 32);
  return { id: `${opaque}.${name}`, name, secret, redirectUri, grants, scopes, more };
}

export const declared = (client) => `
[[client]]
client_id = "${client.id}"
name = "Application ${client.name}"
uri = "${new URL(client.redirectUri).origin}"
redirect_uris = ["${client.redirectUri}"]
grant_types = ${JSON.stringify(client.grants)}
scopes = "${client.scopes}"
${client.secret ? `secret = "${client.secret}"` : ''}
verified = true
${client.more}`;

// A deployment with Nadia, Omar and these applications, started. `about` adds to what is declared of a person, by first name, `organisation` to what is declared of the organisation.
export async function deploymentFor(clients, { about = {}, organisation = '', ...options } = {}) {
  const person = ({ email, password, name }, roles, more = '') => `
[[person]]
email = "${email}"
name = "${name}"
password = "${password}"
roles = ${JSON.stringify(roles)}
${more}
`;
  const declarations = `
[organisation]
slug = "northwind"
name = "Northwind Hospital"
${organisation}
${person(people.nadia, [], about.nadia)}${person(people.omar, ['org_admin', 'developer'], about.omar)}${clients.map(declared).join('')}`;
  const deployment = await Deployment.make({ declarations, ...options });
  await deployment.start();
  return deployment;
}

// The person at the browser: signs in and allows, wherever the pages ask for it, until `back` says that it is over.
export async function goThrough(browser, url, person, back) {
  let at = await browser.visit(url, {}, back);
  for (let step = 0; step < 4 && !back(at.url); step += 1) {
    if (at.url.includes('/sign-in')) at = await browser.submit(at, { email: person.email, password: person.password }, { action: '/sign-in', stop: back });
    else if (at.url.includes('/consent')) at = await browser.submit(at, { decision: 'allow' }, { action: '/consent', stop: back });
    else break;
  }
  if (!back(at.url)) throw new Error(`did not come back to the application but stands at ${at.url}:\n${at.page}`);
  return at.url;
}
