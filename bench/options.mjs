import { parseArgs } from 'node:util';

const USAGE = `npm run bench -- [options]
  --works a,b        only these works, by their names
  --libraries x,y    only these libraries
  --rounds 5         how often everything is run
  --seconds 1.5      how long a library is measured in one run
  --out dir          where results go; a run of everything writes to docs/benchmarks without it`;

export function readOptions() {
  const { values } = parseArgs({
    options: {
      works: { type: 'string' },
      libraries: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '1.5' },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  return {
    works: values.works?.split(','),
    libraries: values.libraries?.split(','),
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    out: values.out,
  };
}

function positive(name, text) {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} takes a number above 0, got "${text}".`);
  return value;
}
