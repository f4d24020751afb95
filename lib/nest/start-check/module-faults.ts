import type { InstanceWrapper } from './late-objects.js';

type Module = InstanceWrapper['host'];

/** What is wrong with the methods of an application, by the modules that have them. */
export class ModuleFaults {
  readonly #faults = new Map<Module, Set<string>>();

  add(module: Module, fault: string): void {
    const faults = this.#faults.get(module) ?? new Set();
    this.#faults.set(module, faults.add(fault));
  }

  all(): string[] {
    return unique([...this.#faults.values()]);
  }

  /** Of a module and of all that it imports: one that was refused stays in the application. */
  of(module: Module): string[] {
    const found: Set<string>[] = [];
    const reached = new Set([module]);
    for (const each of reached) {
      found.push(this.#faults.get(each) ?? new Set());
      for (const imported of each?.imports ?? []) reached.add(imported);
    }
    return unique(found);
  }
}

function unique(faults: readonly Set<string>[]): string[] {
  return [...new Set(faults.flatMap((each) => [...each]))];
}
