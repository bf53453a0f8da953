/** Counts the messages of connections; one object for all connections of a server. */
export class Traffic {
  messagesReceived = 0
  messagesSent = 0

  /** Something was sent, and nothing was thrown. @param isEnd - whether a message ends with it. @returns `hasRoom` */
  sent(isEnd: boolean, hasRoom: boolean): boolean {
    if (isEnd) this.messagesSent++
    return hasRoom
  }
}
