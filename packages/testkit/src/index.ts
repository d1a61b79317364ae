export { MemoryNetwork, type MemoryNetworkOptions, Random } from '@hawser/transport';
export { FakeClock, type FakeClockOptions } from './fake-clock.ts';
export { HeldStore } from './held-store.ts';
export { TransportRecorder } from './transport-recorder.ts';
