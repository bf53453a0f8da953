import { describe, expect, it } from 'vitest'
import { parseTarget } from '../../src/handshake/request-target.ts'
import { refusal } from './heads.ts'

describe('parseTarget', () => {
  it.each([
    { target: '/', authority: undefined, resourceName: '/', path: '/' },
    { target: '/chat?a=/b?c', authority: undefined, resourceName: '/chat?a=/b?c', path: '/chat' },
    { target: '/?', authority: undefined, resourceName: '/?', path: '/' },
    { target: '/x/../y', authority: undefined, resourceName: '/x/../y', path: '/x/../y' },
    { target: '//h/p', authority: undefined, resourceName: '//h/p', path: '//h/p' },
    { target: '/%zz%', authority: undefined, resourceName: '/%zz%', path: '/%zz%' },
    { target: '/{}|\\^"<>`', authority: undefined, resourceName: '/{}|\\^"<>`', path: '/{}|\\^"<>`' },
    { target: 'http://host/chat?x', authority: 'host', resourceName: '/chat?x', path: '/chat' },
    { target: 'HTTPS://[::1]:8443/', authority: '[::1]:8443', resourceName: '/', path: '/' },
    { target: 'http://host', authority: 'host', resourceName: '/', path: '/' },
    { target: 'http://host?x', authority: 'host', resourceName: '/?x', path: '/' },
  ])('takes $target apart (§4.2.1) [6455-4.2.1-4]', ({ target, ...parts }) => {
    expect(parseTarget(target)).toEqual(parts)
  })

  it.each([
    '',
    '*',
    'host:443',
    'chat',
    '?x',
    '/a#b',
    'http://host/#b',
    '/a b',
    '/a\tb',
    '/caf\xe9',
    '/\u0161',
    '/\x7f',
    '/\0',
    'ws://host/',
    'wss://host/',
    'ftp://host/',
    'http:/host',
    'http:host',
    'http://',
    'http:///x',
    'http://user@host/',
    'http://host:x/',
    'http://ho[st/',
    'https//host',
    'httpss://host',
  ])('refuses %j with 400 (§4.2.1, S-H11) [6455-4.2.1-4]', (target) => {
    const refused = refusal(() => parseTarget(target))
    expect(refused).toMatchObject({ httpStatus: 400, requirement: '6455-4.2.1-4' })
    expect(refused.message).toContain('; it is a path or an absolute http(s) URI, without a fragment')
  })
})
