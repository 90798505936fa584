// Logs people in at a real provider: `oidc-provider`, certified by the OpenID Foundation, on this machine.
// Run by `cargo run -p xtask -- oidc`, which installs it and says where the program is.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import Provider from 'oidc-provider';

const [sluice, folder] = process.argv.slice(2);
const SECRET = 'a secret for this check, not for use';

const freePort = () =>
  new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });

const [providerPort, ownPort] = [await freePort(), await freePort()];
const issuer = `http://127.0.0.1:${providerPort}`;
const own = `http://127.0.0.1:${ownPort}`;

const provider = new Provider(issuer, {
  clients: [{ client_id: 'sluice', client_secret: SECRET, redirect_uris: [`${own}/auth/oidc/callback`] }],
  claims: { openid: ['sub'], groups: ['groups'] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  cookies: { keys: ['keys of cookies for this check'] },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, groups: ['audit'] }) }),
});
provider.listen(providerPort, '127.0.0.1');

mkdirSync(join(folder, 'organisation'), { recursive: true });
writeFileSync(join(folder, 'organisation', 'sluice.yaml'), `
people:
  - handle: dora
    name: Dora Dell
    logins: [{issuer: "${issuer}", subject: 00u1Ab}]
    roles: [auditor, change_manager]
`);
writeFileSync(join(folder, 'serve.toml'), `
[[login]]
name = "corp"
issuer = "${issuer}"
client_id = "sluice"
client_secret_env = "OIDC_SECRET"
scopes = ["groups"]
networks = ["127.0.0.0/8"]
allow_http = true
groups_claim = "groups"
[login.groups]
audit = ["auditor"]
`);

const environment = { OIDC_SECRET: SECRET, NO_COLOR: '1' };
const server = spawn(
  sluice,
  ['serve', '--listen', `127.0.0.1:${ownPort}`, '--data', join(folder, 'data'), '--config', join(folder, 'serve.toml'), '--log-filter', 'warn'],
  { env: environment, stdio: ['ignore', 'pipe', 'inherit'] },
);
process.on('exit', () => server.kill());

const token = await new Promise((ready, failed) => {
  let said = '';
  server.stdout.on('data', (data) => {
    said += data;
    if (/^ready/m.test(said)) ready(/^token +(\S+)/m.exec(said)[1]);
  });
  server.on('exit', () => failed(new Error(`the server does not start: ${said}`)));
});
const applied = spawnSync(sluice, ['apply', join(folder, 'organisation'), '--yes', '--server', own], {
  env: { ...environment, SLUICE_TOKEN: token },
  encoding: 'utf8',
});
assert.equal(applied.status, 0, applied.stderr);

// A browser as far as it matters: cookies by origin, redirects followed, forms filled in.
class Browser {
  jars = new Map();

  async open(url, form) {
    for (let steps = 0; steps < 20; steps += 1) {
      const jar = this.jars.get(new URL(url).origin) ?? new Map();
      const headers = { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') };
      const body = form && new URLSearchParams(form);
      const answer = await fetch(url, { method: form ? 'POST' : 'GET', headers, body, redirect: 'manual' });
      for (const line of answer.headers.getSetCookie()) {
        const [pair] = line.split(';');
        const at = pair.indexOf('=');
        jar.set(pair.slice(0, at), pair.slice(at + 1));
      }
      this.jars.set(new URL(url).origin, jar);
      const place = answer.headers.get('location');
      if (!place) return { url, status: answer.status, text: await answer.text() };
      // Back at our own pages: the login is over.
      if (new URL(place, url).origin === own && !place.includes('/auth/')) return { url: place, status: 200, text: '' };
      [url, form] = [new URL(place, url).href, undefined];
    }
    throw new Error('redirected too often');
  }

  async login(subject, query = '') {
    let page = await this.open(`${own}/auth/oidc/start?provider=corp${query}`);
    while (page.text.includes('<form')) {
      const action = /<form[^>]*action="([^"]+)"/.exec(page.text)[1];
      const prompt = /name="prompt" value="([^"]+)"/.exec(page.text)[1];
      if (subject === null) return this.open(new URL(/href="([^"]*abort[^"]*)"/.exec(page.text)[1], page.url).href);
      const filled = prompt === 'login' ? { prompt, login: subject, password: 'any' } : { prompt };
      page = await this.open(new URL(action, page.url).href, filled);
    }
    return page;
  }

  async session() {
    const page = await this.open(`${own}/api/v1/session`);
    return { status: page.status, body: JSON.parse(page.text) };
  }
}

const dora = new Browser();
assert.equal((await dora.login('00u1Ab')).status, 200);
const session = await dora.session();
assert.equal(session.status, 200, JSON.stringify(session.body));
assert.match(JSON.stringify(session.body), /"dora"/);
assert.match(JSON.stringify(session.body), /ledger\.read/, 'the group confirms the auditor');
assert.doesNotMatch(JSON.stringify(session.body), /change\.approve/, 'nothing confirms the change manager');
console.log('a declared person comes in, with the roles that the groups confirm');

const again = await dora.login('00u1Ab', '&fresh=true');
assert.equal(again.status, 200, again.text);
console.log('a new proof is asked for, and given');

const stranger = await new Browser().login('stranger');
assert.equal(JSON.parse(stranger.text).code, 'login_not_declared', stranger.text);
const nearly = await new Browser().login('00u1AB');
assert.equal(JSON.parse(nearly.text).code, 'login_not_declared', nearly.text);
console.log('nobody else comes in');

const gone = await new Browser().login(null);
assert.equal(JSON.parse(gone.text).code, 'oidc_refused', gone.text);
console.log('whoever gives up at the provider is told so');
process.exit(0);
