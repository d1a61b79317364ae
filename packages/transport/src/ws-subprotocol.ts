/**
 * The subprotocol to be selected of those a client offers, undefined: none is MQTT, and the client is to be refused. A
 * client must offer `mqtt` [MQTT5-6.0.0-3] [MQTT311-6.0.0-3], which is then selected [MQTT5-6.0.0-4] [MQTT311-6.0.0-4]; `mqttv3.1` is the name that 3.1 had.
 */
export function chooseSubprotocol(offered: Iterable<string>): 'mqtt' | 'mqttv3.1' | undefined {
  let chosen: 'mqttv3.1' | undefined;
  for (const name of offered) {
    if (name === 'mqtt') return name;
    if (name === 'mqttv3.1') chosen = name;
  }
  return chosen;
}
