// What the tests declare to `hilum load`: one organisation, people, applications, one integration at the third party, trust.
export const people = {
  nadia: { email: 'nadia@northwind.example', password: 'correct horse battery staple', name: 'Nadia Petrenko' },
  omar: { email: 'omar@northwind.example', password: 'a different long passphrase', name: 'Omar Haddad' },
};

export const application = {
  id: 'kjhsdf9876sdfkjhsdlkjhsdf9807sdf.myapplication', secret: 'application-secret-of-the-tests-0123456789ab',
  uri: 'http://127.0.0.1:9', redirectUri: 'http://127.0.0.1:9/signed-in', name: 'Heart diary',
};

export const native = {
  id: 'b1b2b3b4b5b6b7b8b9b0c1c2c3c4c5c6.native', secret: null, uri: 'myapplication://', redirectUri: 'http://127.0.0.1:9/native', name: 'Pocket diary',
};

export const stranger = {
  id: 'd1d2d3d4d5d6d7d8d9d0e1e2e3e4e5e6.stranger', secret: 'another-secret-of-the-tests-0123456789abcdef',
  uri: 'http://127.0.0.1:9/stranger', redirectUri: 'http://127.0.0.1:9/stranger/signed-in', name: 'Not trusted',
};

// `about` adds to what is declared of a person, by first name, `organisation` to what is declared of the organisation, `more` to all of it.
export function declarations({ party, uri = application.uri, about = {}, organisation = '', more = '' }) {
  const settings = Object.entries(party.settings()).map(([key, value]) => `${key} = "${value}"`).join(', ');
  const person = ({ email, password, name }, roles, more = '') => `
[[person]]
email = "${email}"
name = "${name}"
password = "${password}"
roles = ${JSON.stringify(roles)}
${more}
`;
  const client = (c, base) => `
[[client]]
client_id = "${c.id}"
name = "${c.name}"
uri = "${base}"
redirect_uris = ["${c.redirectUri}"]
grant_types = ["authorization_code", "client_credentials"]
scopes = "openid profile email integrations:revoke"
${c.secret ? `secret = "${c.secret}"` : ''}
verified = true
`.replace(c.secret ? '' : ', "client_credentials"', '');
  const trust = (c) => `
[[trust]]
client = "${c.id}"
integration = "integration-1"
proxy = ["GET /me"]
calls_per_minute = 600000
`;
  return `
[organisation]
slug = "northwind"
name = "Northwind Hospital"
sites = { main = "Main building" }
studies = { nw-101 = "NW-101" }
${organisation}
${person(people.nadia, [], about.nadia)}${person(people.omar, ['org_admin', 'developer'], about.omar)}
${client(application, uri)}${client(native, native.uri)}${client(stranger, stranger.uri)}
[[integration]]
id = "integration-1"
name = "Integration #1"
provider = "oidc"
client_id = "${party.client.id}"
client_secret = "${party.client.secret}"
scopes = "openid profile offline_access"
settings = { ${settings} }
${trust(application)}${trust(native)}${more}`;
}

// The addresses of the third party, named one by one, as an operator would have to.
export const internal = (party) => ({ HILUM__INTEGRATIONS__ALLOW_INTERNAL: JSON.stringify([`127.0.0.1:${party.port}`]) });
