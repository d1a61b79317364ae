// First of all: imports run in their order.
import './without-native-masks.ts';
import { WebSocket } from 'ws';
import { restoreEnvironment } from './without-native-masks.ts';

restoreEnvironment();

export { WebSocket };
