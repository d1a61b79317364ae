import { type Broker, storeProblem } from '@hawser/broker';
import type { FastifyInstance } from 'fastify';
import { createMetrics } from '../metrics.ts';

/** What machines ask: whether it lives, whether it is ready, and figures. The first two of them need not show who they are. */
export function addMachineRoutes(app: FastifyInstance, broker: Broker): void {
  app.get('/health', { config: { needs: 'open' } }, async () => ({ status: 'ok' }));
  app.get('/ready', { config: { needs: 'open' } }, async (_request, reply) => {
    const problems = [
      ...(broker.isClosing ? ['the broker is being stopped'] : []),
      ...(broker.store?.fault === undefined
        ? []
        : [`the data directory cannot be written: ${broker.store.fault.message}`]),
      ...(broker.guard.spaceRefusal === undefined
        ? []
        : [`nothing is added to the data directory: ${storeProblem(broker.guard.spaceRefusal, 'en')}`]),
    ];
    reply.code(problems.length === 0 ? 200 : 503);
    return { status: problems.length === 0 ? 'ready' : 'not-ready', problems };
  });
  const metrics = createMetrics(broker);
  app.get('/metrics', { config: { needs: 'viewer' } }, async (_request, reply) => {
    reply.type(metrics.contentType);
    return metrics.read();
  });
}
