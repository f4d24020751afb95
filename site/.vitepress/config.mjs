import { fileURLToPath } from 'node:url';

/** The pages are outside this folder, where nothing of it is found. */
const VUE = fileURLToPath(new URL('../node_modules/vue', import.meta.url));

const page = (text, link) => ({ text, link });

/** Code with doubled braces is no template of Vue. */
function keepBraces({ renderer }) {
  const { code_inline: inline } = renderer.rules;
  renderer.rules.code_inline = (...args) => inline(...args).replace('<code', '<code v-pre');
}

/** @type {import('vitepress').UserConfig} */
export default {
  title: 'nestjs-redis-lock',
  description: 'Distributed locks on Redis for NestJS',
  srcDir: '../docs',
  outDir: '../dist-site',
  cacheDir: './node_modules/.cache/vitepress',
  rewrites: { ':folder/README.md': ':folder/index.md' },
  // They lead out of docs/, to the repository.
  ignoreDeadLinks: [/\.\.\//, /^\/api\//],
  vite: { publicDir: false, resolve: { alias: [{ find: /^vue(?=$|\/)/, replacement: VUE }] } },
  markdown: { config: keepBraces },
  themeConfig: {
    search: { provider: 'local' },
    nav: [page('Docs', '/'), { text: 'API', link: '/api/index.html', target: '_self' }],
    sidebar: [
      {
        text: 'Using it',
        items: [
          page('@Locked', '/locked'),
          page('Options', '/options'),
          page('Errors', '/errors'),
          page('Events', '/events'),
          page('Testing your code', '/testing'),
          page('Cookbook', '/cookbook'),
          page('Recipes for kinds of lock', '/recipes'),
          page('Moving locks', '/moving-locks'),
          page('Several modules', '/modules'),
          page('Coming from another library', '/migration/'),
        ],
      },
      {
        text: 'Running it',
        items: [
          page('Topologies', '/topologies'),
          page('Guarantees', '/guarantees'),
          page('Observability', '/observability'),
          page('Keys in Redis', '/redis-keys'),
          page('Troubleshooting', '/troubleshooting'),
          page('Benchmarks', '/benchmarks/'),
        ],
      },
      {
        text: 'Behind it',
        items: [
          page('Architecture', '/architecture'),
          page('Decisions', '/adr/'),
          page('Proof', '/proof'),
          page('Releases', '/releases'),
        ],
      },
    ],
  },
};
