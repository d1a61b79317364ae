/** Where `hawser broker` listens when neither `--listen` nor the configuration says where. Loopback: nobody checks who connects. */
export const DEFAULT_LISTENERS: readonly string[] = [
  'mqtt://127.0.0.1:1883',
  'mqtts://127.0.0.1:8883',
  'ws://127.0.0.1:8083/mqtt',
  'wss://127.0.0.1:8084/mqtt',
];
