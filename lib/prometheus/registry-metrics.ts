import type { Metric, Registry } from 'prom-client';
import { type Definition, DEFINITIONS, type Sample } from './definitions.js';
import type { Tallies } from './tallies.js';

/** The services that count in one registry, and which of them each is. */
type Sources = Map<object, Tallies>;

/** A metric as a registry reads it. Counting costs a call a few additions; the rest is done here. */
class LockMetric {
  readonly help: string;
  readonly type: string;
  readonly aggregator = 'sum';
  /** A registry of OpenMetrics writes it: without the suffix of a counter. */
  name: string;

  constructor(
    private readonly definition: Definition,
    readonly sources: Sources,
  ) {
    this.name = definition.name;
    this.help = definition.help;
    this.type = definition.type;
  }

  async get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: this.#values() };
  }

  /** Counters only rise: a registry that resets its metrics leaves these. */
  reset(): void {}

  /** Two applications that share a registry add up. */
  #values(): object[] {
    const sums = new Map<string, { labels: object; metricName?: string; value: number }>();
    for (const tallies of this.sources.values()) {
      for (const [template, tally] of tallies) {
        for (const sample of this.definition.read(tally)) {
          const named = labelled(sample, tallies.service, template);
          const id = JSON.stringify(named);
          const { value } = sums.get(id) ?? { value: 0 };
          sums.set(id, { ...this.#named(named), value: value + sample.value });
        }
      }
    }
    return [...sums.values()];
  }

  #named({ labels, suffix }: Labelled): { labels: object; metricName?: string } {
    return suffix === undefined ? { labels } : { labels, metricName: this.name + suffix };
  }
}

type Labelled = Required<Pick<Sample, 'labels'>> & Pick<Sample, 'suffix'>;

function labelled({ labels, suffix }: Sample, service: string, template: string): Labelled {
  return { labels: { service, template, ...labels }, ...(suffix && { suffix }) };
}

/**
 * Adds what a service counts to a registry; the metrics stand in it as long as any service does.
 *
 * @param service Identifies the service: it counts once, however often it is added.
 * @returns What takes it away; `undefined` when it counts there already.
 */
export function addToRegistry(
  registry: Registry,
  service: object,
  tallies: Tallies,
): (() => void) | undefined {
  const sources = sourcesOf(registry);
  if (sources.has(service)) return undefined;
  sources.set(service, tallies);
  return () => {
    sources.delete(service);
    if (sources.size > 0) return;
    for (const { name } of DEFINITIONS)
      if (sourcesAt(registry, name) === sources) registry.removeSingleMetric(name);
  };
}

/** Whoever clears a registry and adds to it again has metrics of its own there. */
function sourcesAt(registry: Registry, name: string): Sources | undefined {
  const known: unknown = registry.getSingleMetric(name);
  return known instanceof LockMetric ? known.sources : undefined;
}

function sourcesOf(registry: Registry): Sources {
  const [first] = DEFINITIONS;
  const known = first && sourcesAt(registry, first.name);
  if (known !== undefined) return known;
  const sources: Sources = new Map();
  for (const definition of DEFINITIONS) {
    // All that a registry asks of a metric, but no class of the client's.
    registry.registerMetric(new LockMetric(definition, sources) as unknown as Metric);
  }
  return sources;
}
