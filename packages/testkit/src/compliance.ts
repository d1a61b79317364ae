/** For tests in Node: suites for implementations of Hawser's interfaces, which need vitest, and certificates, which need `openssl`. */
export { describeStore, type StoreUnderTest } from './store-compliance.ts';
export { TestAuthority, type TestCertificate, type TestCertificateRequest } from './test-certificates.ts';
export { describeTransport, type TransportPair, type TransportUnderTest } from './transport-compliance.ts';
