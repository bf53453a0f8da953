import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ROOT } from './support/child.ts'
import { findSwallowedErrors } from './support/swallowed-errors.ts'

describe('the tests', () => {
  it('look at every error that they catch', () => {
    const files = readdirSync(`${ROOT}test`, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(?:ts|mjs)$/.test(file) && !file.includes('node_modules') && !file.includes('/dist/'))
      .sort()
    expect(files).toContain('support/child.ts')
    const found = files.flatMap((file) => {
      const source = readFileSync(`${ROOT}test/${file}`, 'utf8')
      // To read the syntax of every file would take most of the time.
      if (!/catch|\.then\(/.test(source)) return []
      return findSwallowedErrors(source).map(({ line, message }) => `test/${file}:${line}: ${message}`)
    })
    expect(found).toEqual([])
  })
})

describe('findSwallowedErrors', () => {
  it.each([
    'await raw.write(bytes).catch(() => {})',
    'void write().catch(() => undefined)',
    'const raws = connect(port).catch(() => null)',
    'failed.catch(function () {})',
    'failed.catch((error) => {})',
    'failed.catch((error) => { isTaken = false })',
    'written.then(() => { isTaken = true }, () => {})',
    'try { f() } catch { }',
    'try { f() } catch { return false }',
    'try { f() } catch (error) { return false }',
    'try { f() } catch (error) { throw new Error("failed") }',
  ])('finds %s', (source) => {
    expect(findSwallowedErrors(`\n${source}`)).toMatchObject([{ line: 2 }])
  })

  it.each([
    'await raw.write(bytes)',
    'await raw.write(bytes).catch(note)',
    'failed.catch((error) => { faults.push(String(error)) })',
    'failed.catch(({ message }) => fail(message))',
    'written.then(() => { isTaken = true })',
    'written.then(resolve, (error) => reject(error))',
    'try { f() } catch (error) { if (!isPeerGone(error)) throw error }',
    'try { f() } catch ({ code }) { expect(code).toBe(1) }',
    'try { f() } finally { g() }',
    '// .catch(() => {})',
    'const text = "try {} catch {}"',
  ])('leaves %s alone', (source) => {
    expect(findSwallowedErrors(source)).toEqual([])
  })
})
