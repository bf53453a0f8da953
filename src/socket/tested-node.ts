/** The newest major version of Node in which what is not public of `net.Socket` was looked at and tested. */
const TESTED_UP_TO = 24

/** Whether this is such a version; in later ones only what is public is used. */
export const isTestedNode: boolean = Number.parseInt(process.versions.node, 10) <= TESTED_UP_TO
