/** Stable names of what keeps a listener from opening. */
export type ListenErrorCode =
  | 'port-in-use'
  | 'port-not-permitted'
  | 'address-not-available'
  | 'host-not-found'
  | 'tls-missing'
  | 'tls-invalid'
  | 'listen-failed';

/** A listener could not be opened, or its new certificates not be used. `cause`: what the system said. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code: ListenErrorCode;

  constructor(code: ListenErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** `code` of an error of Node, if it has one. */
export function systemCodeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** What `listen(2)` and the name lookup before it said, in words. `host` empty: every address. */
export function explainListenFailure(error: Error, host: string, port: number): ListenError {
  const where = host === '' ? 'every address' : host;
  switch (systemCodeOf(error)) {
    case 'EADDRINUSE':
      return new ListenError('port-in-use', `port ${port} on ${where} is in use by another program`, error);
    case 'EACCES':
    case 'EPERM':
      return new ListenError(
        'port-not-permitted',
        `this user may not listen on port ${port}${port < 1024 ? ': ports under 1024 are for root, or for programs that were given CAP_NET_BIND_SERVICE' : ''}`,
        error,
      );
    case 'EADDRNOTAVAIL':
      return new ListenError('address-not-available', `${where} is not an address of this machine`, error);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new ListenError('host-not-found', `no address is known for the name ${where}`, error);
    default:
      return new ListenError('listen-failed', `could not listen on port ${port} of ${where}: ${error.message}`, error);
  }
}
