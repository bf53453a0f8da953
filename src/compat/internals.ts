/*
 * Classes of ws that are its own inner workings. Programs import them by name, mostly without using them; so the names are
 * here, that the import succeeds, and whoever does use one is told what there is instead.
 */
import { UsageError } from '../errors.ts'

/** Stands for ws's parser of frames, which cannot be made: `FrameParser` of `framewright/frames` is ours. */
export class Receiver {
  /** @throws UsageError always */
  constructor() {
    throw new UsageError('Receiver is not part of framewright/ws; use FrameParser or parseFrames of framewright/frames')
  }
}

/** Stands for ws's compression, which cannot be made: the option `perMessageDeflate` turns ours on. */
export class PerMessageDeflate {
  /** The name in `Sec-WebSocket-Extensions`, RFC 7692 §7. */
  static readonly extensionName = 'permessage-deflate'

  /** @throws UsageError always */
  constructor() {
    throw new UsageError('PerMessageDeflate is not part of framewright/ws; use the option perMessageDeflate')
  }
}
