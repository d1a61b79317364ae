import type { AuthenticationRequest, AuthorizationRequest, ClientInfo } from '@hawser/broker';

const text = new TextEncoder();

export function clientInfo(changes: Partial<ClientInfo> = {}): ClientInfo {
  return {
    clientId: 'device-7',
    username: undefined,
    protocolVersion: 5,
    remoteAddress: '127.0.0.1',
    remotePort: 50_000,
    listener: 'mqtt://127.0.0.1:1883',
    tls: undefined,
    userProperties: [],
    ...changes,
  };
}

export function login(
  username: string | undefined,
  password: string | undefined,
  changes: Partial<ClientInfo> = {},
): AuthenticationRequest {
  return {
    client: clientInfo({ username, ...changes }),
    password: password === undefined ? undefined : text.encode(password),
    authenticationMethod: undefined,
    authenticationData: undefined,
    again: false,
  };
}

export function enhanced(method: string, data: string | undefined): AuthenticationRequest {
  const authenticationData = data === undefined ? undefined : text.encode(data);
  return { ...login(undefined, undefined), authenticationMethod: method, authenticationData };
}

export function wants(
  action: 'publish' | 'subscribe',
  topic: string,
  changes: Partial<Omit<AuthorizationRequest, 'client'>> & { client?: Partial<ClientInfo> } = {},
): AuthorizationRequest {
  const { client, ...rest } = changes;
  return { client: clientInfo(client), action, topic, qos: 0, retain: false, ...rest };
}

export const NEVER: AbortSignal = new AbortController().signal;
