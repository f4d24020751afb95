// Exercises test/support/child.ts: sends back what it is told, or ends as it is told.
import { listen, tell } from './parent.mjs';

const alive = setInterval(() => {}, 60_000);
listen((message) => {
  if (message.type === 'exit') {
    clearInterval(alive);
    console.error('told to exit');
    process.exitCode = message.code;
    return;
  }
  if (message.type === 'print') {
    process.stdout.write(message.lines.map((line) => `${line}\n`).join(''));
    return;
  }
  tell('echo', { of: message });
});
console.log('not a message');
tell('ready', { args: process.argv.slice(2) });
