// MQTT over WebSocket in a page. A bundler finds the browser's half of @hawser/client by itself, the import map of index.html says where it is.
import { ConnectError, connect } from '@hawser/client';
import { hintFor } from '@hawser/client/hints';

const show = (id, text) => {
  document.getElementById(id).textContent = text;
};

try {
  const url = new URLSearchParams(location.search).get('url') ?? 'ws://localhost:8083/mqtt';
  const client = await connect(url);
  show('state', `connected as ${client.clientId}`);
  client.on('disconnected', ({ text, delay }) => show('state', `${text}; again in ${delay} s`));
  client.on('connected', () => show('state', 'connected again'));
  client.on('message', (message) => {
    const item = document.createElement('li');
    item.textContent = `${message.topic}: ${message.text()}`;
    document.getElementById('messages').append(item);
  });
  await client.subscribe('page/#', { qos: 1 });
  await client.publish('page/hello', 'Ahoy from a browser', { qos: 1 });
} catch (error) {
  if (!(error instanceof ConnectError)) throw error;
  show('state', `${error.message} ${hintFor(error, navigator.language.startsWith('zh') ? 'zh' : 'en') ?? ''}`);
}
