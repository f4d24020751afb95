// Runs scenarios of test/fixtures in the application whose folder is the first argument.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { listen, tell } from './parent.mjs';

const [application = ''] = process.argv.slice(2);
// Until the test kills it.
setInterval(() => {}, 60_000);

listen((message) => void answer(String(message.name), message.context));
tell('ready');

async function answer(name, context) {
  try {
    const path = join(application, 'scenarios', `${name}.js`);
    const { run } = await import(pathToFileURL(path).href);
    tell('answer', { value: (await run(context)) ?? null });
  } catch (error) {
    tell('answer', { error: error instanceof Error ? error.stack : String(error) });
  }
}
