import { type Browser, chromium } from 'playwright-core';

/** Starts the browser of the system; whoever asks for it closes it. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
}
