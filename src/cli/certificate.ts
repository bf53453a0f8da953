import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { CliError, ExitCode } from './command.ts'

/** What a TLS server shows, and proves. */
export interface Certificate {
  readonly cert: Buffer
  readonly key: Buffer
}

/** Read both files; throws a `CliError` that says which one is of no use, or that they do not belong together. */
export function readCertificate({ certFile, keyFile }: { certFile: string; keyFile: string }): Certificate {
  const cert = readFile('--tls-cert', certFile)
  const key = readFile('--tls-key', keyFile)
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    const files = `${JSON.stringify(certFile)} and ${JSON.stringify(keyFile)}`
    throw new CliError(ExitCode.failure, `${files} are no certificate in PEM with its key: ${sentenceOf(error)}`, {
      cause: error,
    })
  }
  return { cert, key }
}

function readFile(option: string, file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new CliError(ExitCode.failure, `${option}: ${sentenceOf(error)}`, { cause: error })
  }
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
