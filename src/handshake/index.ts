export type { UpgradeRequest, UpgradeRequestOptions, UpgradeResult } from './client-handshake.ts'
export { confirmUpgrade, requestUpgrade } from './client-handshake.ts'
export { FieldList } from './field-list.ts'
export type { ExtensionOffer, ExtensionParam } from './grammar.ts'
export { formatExtensions, parseExtensions, parseSubprotocols } from './grammar.ts'
export type { RequestHead, ResponseHead } from './head.ts'
export { DEFAULT_HEAD_LIMITS, type HeadLimits } from './head-limits.ts'
export { RequestHeadReader, ResponseHeadReader } from './head-reader.ts'
export { acceptKey, generateKey } from './key.ts'
export { isKey } from './key-syntax.ts'
export type {
  ExtensionAgreement,
  ExtensionNegotiator,
  ExtensionProposer,
  NegotiatedExtension,
} from './negotiation.ts'
export { chooseSubprotocol, negotiateExtensions, RsvBits } from './negotiation.ts'
export type { IncomingRequest } from './request.ts'
export { parseRequestHead, requestHeadFrom, serializeRequestHead } from './request.ts'
export { parseResponseHead, serializeResponse, serializeResponseHead } from './response.ts'
export type { UpgradeChoices, UpgradeOptions, UpgradePlan } from './server-handshake.ts'
export { acceptUpgrade, rejectUpgrade, validateUpgrade } from './server-handshake.ts'
