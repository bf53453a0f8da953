import ts from 'typescript'

/** A place where an error comes and nobody looks at it. */
export interface Swallowed {
  readonly line: number
  readonly message: string
}

/**
 * The places of a source text where an error ends without having been looked at: a `catch` clause that does not mention what
 * it caught, and a handler given to `.catch(…)`, or as the second one to `.then(…)`, that does not mention what it got.
 *
 * A test that swallows an error that way fails later, elsewhere, and without the reason. Whoever expects an error says which:
 * `if (!isPeerGone(error)) throw error`.
 */
export function findSwallowedErrors(source: string): Swallowed[] {
  const file = ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest, true)
  const found: Swallowed[] = []
  const report = (node: ts.Node, message: string): void => {
    found.push({ line: file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1, message })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isCatchClause(node)) {
      const name = node.variableDeclaration?.name
      if (name === undefined || !mentions(node.block, name)) report(node, 'a catch clause does not look at the error')
    }
    const handler = ts.isCallExpression(node) ? handlerOf(node) : undefined
    if (handler !== undefined && isInline(handler)) {
      const name = handler.parameters[0]?.name
      if (name === undefined || !mentions(handler.body, name)) report(handler, 'a handler does not look at the error')
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

/** What a call gives to a promise for its rejection. */
function handlerOf({ expression, arguments: given }: ts.CallExpression): ts.Expression | undefined {
  if (!ts.isPropertyAccessExpression(expression)) return undefined
  if (expression.name.text === 'catch') return given[0]
  return expression.name.text === 'then' ? given[1] : undefined
}

function isInline(node: ts.Node): node is ts.ArrowFunction | ts.FunctionExpression {
  return ts.isArrowFunction(node) || ts.isFunctionExpression(node)
}

/** Whether the code mentions a name that the pattern binds; a pattern that takes the error apart has looked at it. */
function mentions(code: ts.Node, pattern: ts.BindingName): boolean {
  if (!ts.isIdentifier(pattern)) return true
  const seek = (node: ts.Node): boolean =>
    (ts.isIdentifier(node) && node.text === pattern.text) || (ts.forEachChild(node, seek) ?? false)
  return seek(code)
}
