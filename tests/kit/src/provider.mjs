// A real OpenID provider, and beside it one that signs whatever it is told to. Prints its port when it listens.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'

const require = createRequire(process.argv[2] + '/')
const { default: Provider } = await import(require.resolve('oidc-provider'))
const jose = await import(require.resolve('jose'))

let people = {}
let lie = {}
let handle
const keys = {
  own: await jose.generateKeyPair('RS256', { extractable: true }),
  stranger: await jose.generateKeyPair('RS256', { extractable: true }),
}
const server = createServer((request, response) => answer(request, response).catch((error) => {
  response.statusCode = 500
  response.end(String(error.stack))
}))
server.listen(0, '127.0.0.1', () => {
  const base = `http://127.0.0.1:${server.address().port}`
  handle = real(base).callback()
  console.log(server.address().port)
})

function real(issuer) {
  return new Provider(issuer, {
    clients: [{
      client_id: 'coppice',
      client_secret: 'a secret between two services',
      redirect_uris: ['http://copr.example:8080/oidc_auth/'],
    }],
    scopes: ['openid', 'profile', 'email', 'groups'],
    claims: { openid: ['sub'], profile: ['nickname'], email: ['email'], groups: ['groups'] },
    pkce: { required: () => true },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: `sub-of-${id}`, ...people[id] }) }),
  })
}

async function body(request) {
  let text = ''
  for await (const part of request) text += part
  return text
}

function json(response, value) {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(value))
}

async function answer(request, response) {
  const url = new URL(request.url, `http://${request.headers.host}`)
  switch (url.pathname) {
    case '/_people': people = JSON.parse(await body(request)); return response.end()
    case '/_lie': lie = JSON.parse(await body(request)); return response.end()
    case '/_mint': return response.end(await signed(JSON.parse(await body(request))))
    case '/liar/.well-known/openid-configuration': return json(response, discovery(`${url.origin}/liar`))
    case '/liar/jwks': return json(response, { keys: [{ ...await jose.exportJWK(keys.own.publicKey), kid: 'one', alg: 'RS256', use: 'sig' }] })
    case '/forgejo/api/actions/.well-known/openid-configuration': return json(response, actionsDiscovery(`${url.origin}/forgejo/api/actions`))
    case '/forgejo/api/actions/.well-known/keys': return json(response, { keys: [{ ...await jose.exportJWK(keys.own.publicKey), kid: 'one', alg: 'RS256', use: 'sig' }] })
    case '/liar/auth': return liarAuth(url, response)
    case '/liar/token': return liarToken(url, response)
    case '/github/login/oauth/authorize': case '/gitlab/oauth/authorize': return forgeAuth(url, response)
    case '/github/login/oauth/access_token': case '/gitlab/oauth/token': return forgeToken(request, response)
    default: return url.pathname.includes('/api/') ? forgeApi(url, request, response) : handle(request, response)
  }
}

function discovery(issuer) {
  return {
    issuer,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  }
}

// What Forgejo says of the tokens of its jobs.
function actionsDiscovery(issuer) {
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/keys`,
    subject_types_supported: ['public'],
    response_types_supported: ['id_token'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid'],
  }
}

let nonce
function liarAuth(url, response) {
  nonce = url.searchParams.get('nonce')
  const back = new URL(url.searchParams.get('redirect_uri'))
  back.searchParams.set('code', 'a-code')
  back.searchParams.set('state', lie.state ?? url.searchParams.get('state'))
  response.writeHead(302, { location: back.href })
  response.end()
}

async function liarToken(url, response) {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: `${url.origin}/liar`, aud: 'coppice', sub: '1', iat: now, exp: now + 300, nonce, preferred_username: 'eve' }
  const token = await signed({ claims: { ...claims, ...lie.claims }, key: lie.key })
  json(response, { access_token: 'x', token_type: 'Bearer', id_token: token })
}

// GitHub and GitLab, as far as logins go: who authorizes is `people.forge`.
const codes = new Map()
function forgeAuth(url, response) {
  const code = Math.random().toString(36).slice(2)
  codes.set(code, url.searchParams.get('code_challenge'))
  const back = new URL(url.searchParams.get('redirect_uri'))
  back.searchParams.set('code', code)
  back.searchParams.set('state', url.searchParams.get('state'))
  response.writeHead(302, { location: back.href })
  response.end()
}

async function forgeToken(request, response) {
  const form = new URLSearchParams(await body(request))
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(form.get('code_verifier')))
  const expected = codes.get(form.get('code'))
  codes.delete(form.get('code'))
  const client = Buffer.from(request.headers.authorization?.split(' ')[1] ?? '', 'base64').toString()
  if (!expected || jose.base64url.encode(new Uint8Array(hash)) !== expected) return json(response, { error: 'bad_verification_code' })
  if (!client.startsWith('coppice:')) return json(response, { error: 'incorrect_client_credentials' })
  json(response, { access_token: 'gho_x', token_type: 'bearer', scope: 'read:org' })
}

function forgeApi(url, request, response) {
  if (request.headers.authorization !== 'Bearer gho_x' || !request.headers['user-agent']) {
    response.statusCode = 401
    return response.end('{}')
  }
  const path = url.pathname.replace(/^.*\/api(\/v[34])?/, '')
  json(response, people.forge[path] ?? [])
}

// Without a key: a token that nobody signed.
async function signed({ claims, key = 'own' }) {
  if (key === 'none') return new jose.UnsecuredJWT(claims).encode()
  return new jose.SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one', typ: 'JWT' }).sign(keys[key].privateKey)
}
