import { Controller, Get, type MessageEvent, Sse } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import { Activity } from './activity.js';

/** A demonstration that the page has a button for. */
interface Demo {
  readonly label: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
}

const DEMOS: readonly Demo[] = [
  { label: 'Stream an export', method: 'GET', path: 'demos/export' },
  { label: 'Read the catalogue', method: 'GET', path: 'demos/catalogue' },
  { label: 'Rebuild the catalogue', method: 'POST', path: 'demos/catalogue/rebuild' },
  { label: 'Call the supplier', method: 'POST', path: 'demos/supplier' },
];

@Controller('demos')
export class DemosController {
  constructor(private readonly activity: Activity) {}

  @Get()
  list(): readonly Demo[] {
    return DEMOS;
  }

  @Sse('activity')
  watch(): Observable<MessageEvent> {
    return this.activity.watch().pipe(map((data) => ({ data })));
  }
}
