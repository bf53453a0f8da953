import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const SRC = `${ROOT}src/`

/** Interfaces whose members are functions of the application, or the names of its listeners' events. */
const WITH_FUNCTIONS = /(?:Options|Observer|Tap)$/
const WITH_EVENTS = /Events$/

/** Classes whose public methods take functions of the application. */
const CLASSES = ['WebSocket', 'WebSocketServer']

/** A place where code of the application is run. */
export interface Hook {
  /** `ClientOptions.lookup`, `WebSocketEvents.message`, `WebSocket.send(callback)`. */
  readonly name: string
  /** Where it is declared, so that calls of it are found. */
  readonly declaration: ts.Node
}

let program: ts.Program | null = null

/** The sources with their types; made once. */
export function typedSources(): ts.Program {
  if (program === null) {
    const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, ts.sys.readFile)
    const { options } = ts.parseJsonConfigFileContent({ ...config, include: ['src'] }, ts.sys, ROOT)
    program = ts.createProgram(ts.sys.readDirectory(SRC, ['.ts']), { ...options, noEmit: true })
  }
  return program
}

/** Every place where code of the application is run, read off the types that the entry points show. */
export function listHooks(): Hook[] {
  const checker = typedSources().getTypeChecker()
  const hooks = new Map<string, Hook>()
  const add = (name: string, declaration: ts.Node | undefined): void => {
    if (declaration !== undefined && !hooks.has(name)) hooks.set(name, { name, declaration })
  }
  for (const symbol of publicSymbols(checker)) {
    const name = symbol.getName()
    if (symbol.flags & ts.SymbolFlags.Interface) {
      const type = checker.getDeclaredTypeOfSymbol(symbol)
      const isEvents = WITH_EVENTS.test(name)
      if (!isEvents && !WITH_FUNCTIONS.test(name)) continue
      for (const member of type.getProperties()) {
        if (isEvents || isFunction(checker, checker.getTypeOfSymbol(member))) {
          add(`${ownerOf(member, name)}.${member.getName()}`, member.valueDeclaration ?? member.declarations?.[0])
        }
      }
    } else if (CLASSES.includes(name)) {
      for (const declaration of symbol.declarations ?? []) addCallbacks(checker, name, declaration, add)
    }
  }
  return [...hooks.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** What the entry points export, and what the types of their classes extend. */
function publicSymbols(checker: ts.TypeChecker): ts.Symbol[] {
  const symbols = new Set<ts.Symbol>()
  for (const file of typedSources().getSourceFiles()) {
    const path = file.fileName
    if (!path.startsWith(SRC) || !path.endsWith('/index.ts')) continue
    const module = checker.getSymbolAtLocation(file)
    if (module === undefined) continue
    for (const exported of checker.getExportsOfModule(module)) {
      symbols.add(exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported)
    }
  }
  return [...symbols]
}

/** The interface that declares a member, so that one that others inherit is listed once. */
function ownerOf(member: ts.Symbol, fallback: string): string {
  const parent = member.declarations?.[0]?.parent
  const isOurs = member.declarations?.[0]?.getSourceFile().fileName.startsWith(SRC) === true
  return isOurs && parent !== undefined && ts.isInterfaceDeclaration(parent) ? parent.name.text : fallback
}

function addCallbacks(
  checker: ts.TypeChecker,
  name: string,
  declaration: ts.Declaration,
  add: (name: string, declaration: ts.Node) => void,
): void {
  if (!ts.isClassDeclaration(declaration)) return
  for (const member of declaration.members) {
    const isMethod = ts.isMethodDeclaration(member) && ts.isIdentifier(member.name)
    if (!isMethod && !ts.isConstructorDeclaration(member)) continue
    const method = isMethod ? (member.name as ts.Identifier).text : 'constructor'
    // What `on` and the like take are listeners: their events are hooks.
    for (const parameter of member.parameters) {
      const isListener = parameter.name.getText() === 'listener'
      if (!isListener && isFunction(checker, checker.getTypeAtLocation(parameter))) {
        add(`${name}.${method}(${parameter.name.getText()})`, parameter)
      }
    }
  }
}

function isFunction(checker: ts.TypeChecker, type: ts.Type): boolean {
  if (type.isUnion()) return type.types.some((one) => isFunction(checker, one))
  return type.getCallSignatures().length > 0 || type.getConstructSignatures().length > 0
}

/** A place that calls code of the application past the doors, or looks at what was thrown. */
export interface DirectCall {
  /** Path from `src/`. */
  readonly file: string
  readonly line: number
  readonly what: string
}

/** Where the doors are. */
const DOORS = 'ground/application.ts'

/** Types of functions that the application gives, under whatever name they are handed on. */
const FUNCTION_TYPES = new Set([
  'SendCallback',
  'Authorize',
  'VerifyClient',
  'Accepted',
  'CompressRule',
  'SlowConsumerPolicy',
])

/** Every place outside the doors that emits, calls a hook of `hooks`, or shows what a `catch` caught. */
export function findDirectCalls(hooks: readonly Hook[]): DirectCall[] {
  const checker = typedSources().getTypeChecker()
  const declarations = new Set(hooks.map(({ declaration }) => declaration))
  const found: DirectCall[] = []
  for (const tree of typedSources().getSourceFiles()) {
    const file = tree.fileName.slice(SRC.length)
    if (!tree.fileName.startsWith(SRC) || file === DOORS || file.startsWith('cli/')) continue
    const report = (node: ts.Node, what: string): void => {
      found.push({ file, line: tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1, what })
    }
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node)) {
        const callee = node.expression
        if (ts.isPropertyAccessExpression(callee) && callee.name.text === 'emit') report(node, 'emit')
        const type = checker.getTypeAtLocation(callee)
        const alias = (type.aliasSymbol ?? checker.getNonNullableType(type).aliasSymbol)?.getName()
        if (alias !== undefined && FUNCTION_TYPES.has(alias)) report(node, `a call of ${alias}`)
        else {
          const declaration = declarationOf(checker, callee)
          if (declaration !== undefined && declarations.has(declaration))
            report(node, `a call of ${callee.getText(tree)}`)
        }
      }
      if (ts.isCatchClause(node) && node.variableDeclaration !== undefined) {
        for (const use of showings(checker, node)) report(use, `a look at what was caught: ${use.getText(tree)}`)
      }
      ts.forEachChild(node, visit)
    }
    visit(tree)
  }
  return found
}

/** Where the function that is called was declared, through the destructuring of its owner. */
function declarationOf(checker: ts.TypeChecker, callee: ts.Expression): ts.Node | undefined {
  const symbol = checker.getSymbolAtLocation(callee)
  const declaration = symbol?.valueDeclaration ?? symbol?.declarations?.[0]
  if (declaration === undefined || !ts.isBindingElement(declaration)) return declaration
  const name = (declaration.propertyName ?? declaration.name).getText()
  const member = checker.getTypeAtLocation(declaration.parent).getProperty(name)
  return member?.valueDeclaration ?? member?.declarations?.[0]
}

/** Expressions that look into what was caught, or make a text of it, or take it for an Error. */
function showings(checker: ts.TypeChecker, clause: ts.CatchClause): ts.Node[] {
  const { name } = clause.variableDeclaration!
  const caught = checker.getSymbolAtLocation(name)
  const found: ts.Node[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && node !== name && checker.getSymbolAtLocation(node) === caught) {
      const { parent } = node
      const isShown =
        ts.isTemplateSpan(parent) ||
        (ts.isCallExpression(parent) && parent.expression.getText() === 'String') ||
        (ts.isAsExpression(parent) && parent.type.getText() === 'Error') ||
        (ts.isBinaryExpression(parent) &&
          parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword &&
          parent.right.getText() === 'Error')
      if (isShown) found.push(parent)
    }
    ts.forEachChild(node, visit)
  }
  visit(clause.block)
  return found
}
