// Sends requests to one route for some time; each connection asks for a lock of its own.
import { once } from 'node:events';

import autocannon from 'autocannon';

process.once('disconnect', () => process.exit());
const [{ origin, route, connections, seconds }] = await once(process, 'message');
let connection = 0;
const result = await autocannon({
  url: `${origin}/orders/${route}/0`,
  connections,
  duration: seconds,
  setupClient: (client) => {
    connection += 1;
    client.setRequests([{ method: 'GET', path: `/orders/${route}/${connection}` }]);
  },
});
process.send({
  requests: result['2xx'],
  elapsedS: result.duration,
  errors: result.errors + result.non2xx,
  p50Ms: result.latency.p50,
  p99Ms: result.latency.p99,
});
