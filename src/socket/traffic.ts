/** Counts the messages of connections; one object for all connections of a server. */
export class Traffic {
  messagesReceived = 0
  messagesSent = 0
}
