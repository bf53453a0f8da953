module.exports = require('../dist/compat/index.js')
