/** Where a broker's API listens unless it was told otherwise. */
export const DEFAULT_API = 'http://127.0.0.1:18083';
