import { App } from './inspector/app.ts'

new App(document.querySelector('#app')!)
