export { MemoryNetwork, type MemoryNetworkOptions, Random } from '@hawser/transport';
export { driveTimers } from './drive-timers.ts';
export { FakeClock, type FakeClockOptions } from './fake-clock.ts';
export { FakePeer } from './fake-peer.ts';
export { HeldStore } from './held-store.ts';
export { startTestBroker, type TestBroker, type TestBrokerOptions } from './test-broker.ts';
export { connectTestClient, testPlatform } from './test-client.ts';
export { TransportRecorder } from './transport-recorder.ts';
