// @ts-check
import { spawn } from 'node:child_process';

/**
 * Remembers process ids; kills them when its input ends, that is when this process has
 * gone, however it went. A terminal's Ctrl-C must not end it before that.
 */
const SCRIPT = `
trap '' INT TERM HUP
alive=' '
while read -r verb pid; do
  case $verb in
    own) alive="$alive$pid " ;;
    ended) alive="\${alive%% $pid *} \${alive#* $pid }" ;;
  esac
done
for pid in $alive; do kill -9 "$pid" 2>/dev/null; done
`;

/** @type {import('node:child_process').ChildProcess | undefined} */
let reaper;
let owned = 0;

/**
 * Makes sure that `child` does not outlive this process, even when this one is killed.
 *
 * @template {import('node:child_process').ChildProcess} T
 * @param {T} child
 * @returns {T}
 */
export function reapAtExit(child) {
  const { pid } = child;
  if (pid === undefined) return child;
  tell(`own ${pid}`);
  owned += 1;
  child.once('exit', () => {
    tell(`ended ${pid}`);
    owned -= 1;
    if (owned === 0) closeReaper();
  });
  return child;
}

/** @param {string} line */
function tell(line) {
  reaper ??= startReaper();
  reaper.stdin?.write(`${line}\n`);
}

function startReaper() {
  const child = spawn('sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'] });
  child.unref();
  /** @type {import('node:net').Socket} */ (child.stdin).unref();
  return child;
}

function closeReaper() {
  reaper?.stdin?.end();
  reaper = undefined;
}
