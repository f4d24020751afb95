import { readFileSync } from 'node:fs';

import { describe, expect, it } from '@jest/globals';

import { DEFINITIONS } from '../../../lib/prometheus/definitions.js';

const read = (name: string): string =>
  readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

/** The metrics that a text names, and the names that Prometheus knows for a histogram's parts. */
const namesIn = (text: string): string[] => [...new Set(text.match(/\bredis_lock_\w+/g))].sort();
const series = new Set(
  DEFINITIONS.flatMap(({ name, type }) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].map((part) => name + part) : [name],
  ),
);

describe('docs/observability', () => {
  it.each(['observability/grafana-dashboard.json', 'observability/alerts.yml'])(
    '%s asks for series that exist only',
    (name) => {
      const names = namesIn(read(name));

      expect(names).not.toHaveLength(0);
      expect(names.filter((each) => !series.has(each))).toEqual([]);
    },
  );

  it('shows every metric on the dashboard', () => {
    const text = read('observability/grafana-dashboard.json');

    expect(JSON.parse(text)).toMatchObject({ panels: expect.any(Array) });
    expect(DEFINITIONS.filter(({ name }) => !text.includes(name))).toEqual([]);
  });

  it('describes every metric, and no other', () => {
    const documented = namesIn(read('observability.md')).filter((name) => !name.endsWith('_count'));

    expect(documented).toEqual(DEFINITIONS.map(({ name }) => name).sort());
  });
});
