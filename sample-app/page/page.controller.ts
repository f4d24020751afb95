import { readFileSync } from 'node:fs';
import { Controller, Get, Header } from '@nestjs/common';

const read = (name: string): string =>
  readFileSync(new URL(`public/${name}`, import.meta.url), 'utf8');

const SECURITY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'";

/** The page that shows a sale, and the locks of the other demonstrations. */
@Controller()
export class PageController {
  private readonly html = read('index.html');
  private readonly script = read('page.js');
  private readonly style = read('page.css');

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', SECURITY)
  page(): string {
    return this.html;
  }

  @Get('page.js')
  @Header('content-type', 'text/javascript; charset=utf-8')
  code(): string {
    return this.script;
  }

  @Get('page.css')
  @Header('content-type', 'text/css; charset=utf-8')
  looks(): string {
    return this.style;
  }
}
