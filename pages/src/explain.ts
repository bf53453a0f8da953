import { App } from './explain/app.ts'

const app = new App(document.querySelector('#app')!)
app.open(location.hash)
