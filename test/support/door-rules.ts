import ts from 'typescript'

/** A place in the sources that goes past the ground. */
export interface Bypass {
  readonly file: string
  readonly line: number
  readonly what: string
}

/** Where ticks and timers are taken; nobody else may name Node's. */
const SCHEDULING = 'ground/scheduling.ts'

/** Globals that test runners put others in place of. */
const SCHEDULERS = new Set([
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
  'queueMicrotask',
])

/** Members of globals that test runners put others in place of. */
const SCHEDULER_MEMBERS = new Set(['process.nextTick', 'performance.now', 'Date.now'])

/** Every place that looks up a tick, a timer or the time when it is called, instead of taking it from the ground. */
export function findSchedulers(files: ReadonlyMap<string, string>): Bypass[] {
  const found: Bypass[] = []
  for (const [file, source] of files) {
    if (file === SCHEDULING) continue
    const tree = parse(file, source)
    const imported = new Set<string>()
    const visit = (node: ts.Node): void => {
      if (ts.isImportSpecifier(node)) imported.add(node.name.text)
      else if (ts.isIdentifier(node) && SCHEDULERS.has(node.text) && !imported.has(node.text) && isReference(node)) {
        found.push({ file, line: lineOf(tree, node), what: node.text })
      } else if (ts.isPropertyAccessExpression(node)) {
        const path = node.getText(tree).replace(/^globalThis\./, '')
        if (SCHEDULER_MEMBERS.has(path) || (path !== node.getText(tree) && SCHEDULERS.has(path))) {
          found.push({ file, line: lineOf(tree, node), what: path })
        }
      }
      ts.forEachChild(node, visit)
    }
    visit(tree)
  }
  return found
}

/** Whether an identifier stands for a value of its scope, and does not name a member. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.name !== node
  const isMember =
    ts.isPropertyAssignment(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isMethodDeclaration(parent) ||
    ts.isMethodSignature(parent) ||
    ts.isBindingElement(parent)
  return !(isMember && (parent.name === node || (ts.isBindingElement(parent) && parent.propertyName === node)))
}

function parse(file: string, source: string): ts.SourceFile {
  return ts.createSourceFile(file, source, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS)
}

function lineOf(tree: ts.SourceFile, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1
}
