/** Suites for implementations of Hawser's interfaces; they need vitest. */
export { describeStore, type StoreUnderTest } from './store-compliance.ts';
export { describeTransport, type TransportPair, type TransportUnderTest } from './transport-compliance.ts';
