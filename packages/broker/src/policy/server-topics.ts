/**
 * Topics that begin with `$` are the server's own [MQTT5-4.7.2-2]: clients read them, and publish there only where somebody has said so
 * explicitly.
 */
export function isOfServer(topic: string): boolean {
  return topic.charCodeAt(0) === 0x24;
}

const BRIDGE_STATE = /^\$SYS\/broker\/connection\/[^/]+\/state$/;

/** `$SYS/broker/connection/NAME/state`, where Mosquitto's bridges say whether they are connected: a topic like any other. */
export function isForBridges(topic: string): boolean {
  return BRIDGE_STATE.test(topic);
}
