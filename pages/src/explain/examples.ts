/* The links to try stand in the page's HTML: the first one is shown when it is opened without a link. */

const template = document.querySelector<HTMLTemplateElement>('#examples')

/** The line of links. */
export const examples: Node = document.importNode(template!.content, true).firstElementChild!

/** The fragment of the first one. */
export const firstExample: string = template!.content.querySelector('a')!.hash
