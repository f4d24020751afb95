// Exercises test/support/reaper.mjs: owns a process, stopped, and waits to be killed.
import { spawn } from 'node:child_process';

import { reapAtExit } from '../support/reaper.mjs';
import { tell } from './parent.mjs';

const owned = reapAtExit(spawn('sleep', ['60'], { stdio: 'ignore' }));
owned.kill('SIGSTOP');
tell('owns', { pid: owned.pid });
