export * from '../dist/compat/index.js'
export { default } from '../dist/compat/index.js'
