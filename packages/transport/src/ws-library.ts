// First of all: imports run in their order.
import './with-require.ts';
import './without-native-masks.ts';
import { WebSocket } from 'ws';
import { takeRequireAway } from './with-require.ts';
import { restoreEnvironment } from './without-native-masks.ts';

restoreEnvironment();
takeRequireAway();

export { WebSocket };
