export {
  ATTEMPT_SENTENCES,
  type AttemptCode,
  type AttemptDetail,
  type AttemptFigures,
  type AttemptRefusal,
  attemptSentence,
} from './attempt-refusals.ts';
export type { AttemptStage, RefusedAttempt } from './attempts.ts';
export { type Clock, systemClock } from './clock.ts';
export { type DialAddress, type DialOptions, dial } from './dial.ts';
export {
  type CertificateEvidence,
  DialError,
  type DialErrorCode,
  type DialEvidence,
  type DialStage,
  type HttpEvidence,
} from './dial-error.ts';
export { explainTlsFailure, isTlsAlert, type TlsDialOptions } from './dial-tls.ts';
export { FairShare } from './fair-share.ts';
export { senderOf } from './forwarded.ts';
export { hostNameOf, isCertainHost, isLoopbackHost } from './host-names.ts';
export { type ListenOptions, listen, type NetworkListener } from './listen.ts';
export { ListenError, type ListenErrorCode } from './listen-error.ts';
export {
  DEFAULT_WS_PATH,
  formatListenUrl,
  type ListenAddress,
  type ListenTransport,
  ListenUrlError,
  type ListenUrlErrorCode,
  parseListenUrl,
} from './listen-url.ts';
export { MemoryNetwork, type MemoryNetworkOptions } from './memory.ts';
export { plainAddress } from './plain-address.ts';
export { Random } from './random.ts';
export { SocketTransport } from './tcp.ts';
export { nodeTlsOptions, type Pem, type TlsCertificate, type TlsListenOptions, tlsInfoOf } from './tls.ts';
export { type TlsCertificatePaths, TlsFiles, type TlsPaths } from './tls-files.ts';
export { type TlsWatch, type TlsWatchOptions, watchTls } from './tls-reload.ts';
export type { Listener, PacketFraming, TlsInfo, Transport, TransportHandler, TransportInfo } from './transport.ts';
export { WebSocketError, type WebSocketErrorCode } from './websocket-error.ts';
export { chooseSubprotocol } from './ws-subprotocol.ts';
export { type UpgradeRefusal, type UpgraderOptions, upgradeInfoOf, WebSocketUpgrader } from './ws-upgrader.ts';
