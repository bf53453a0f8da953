/** `framewright/testing`: connections without ports, for the tests of applications. */
export { connectTo, type SocketTaker } from './connect.ts'
export { type ConnectedPair, connectedPair, type PairOptions } from './pair.ts'
export { ScriptedPeer, scriptedPeer } from './scripted-peer.ts'
export { TestClock } from './test-clock.ts'
