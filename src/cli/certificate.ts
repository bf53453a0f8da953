import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { messageOf } from '../ground/application.ts'
import { CliError, ExitCode } from './command.ts'

/** What a TLS server shows, and proves. */
export interface Certificate {
  readonly cert: Buffer
  readonly key: Buffer
}

/** Where a certificate and its key lie. */
export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

/** Read both files; throws a `CliError` that says which one is of no use, or that they do not belong together. */
export function readCertificate({ certFile, keyFile }: CertificateFiles): Certificate {
  const cert = readFile('--tls-cert', certFile)
  const key = readFile('--tls-key', keyFile)
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    const files = `${JSON.stringify(certFile)} and ${JSON.stringify(keyFile)}`
    throw new CliError(ExitCode.failure, `${files} are no certificate in PEM with its key: ${messageOf(error)}`, {
      cause: error,
    })
  }
  return { cert, key }
}

/** Make a certificate for this machine that lasts a day; throws a `CliError` when the program openssl cannot be run. */
export function makeCertificate(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'framewright-'))
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
  const what = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1']
  const whom = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1']
  try {
    execFileSync('openssl', [...what, ...whom, '-keyout', files.keyFile, '-out', files.certFile], { stdio: 'pipe' })
    return readCertificate(files)
  } catch (error) {
    const advice = 'give --tls-cert and --tls-key, or install openssl'
    throw new CliError(ExitCode.failure, `--tls cannot make a certificate: ${advice} (${messageOf(error)})`, {
      cause: error,
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function readFile(option: string, file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new CliError(ExitCode.failure, `${option}: ${messageOf(error)}`, { cause: error })
  }
}
