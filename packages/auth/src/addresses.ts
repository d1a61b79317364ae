export { type AddressSet, addressSet, isLoopback } from '@hawser/broker';
