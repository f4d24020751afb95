import { describe, expect, it } from '@jest/globals';

import { judge, type LockedSection, mostOvertaken } from './section-judge.js';

let fence = 0;

/** A section of one key; its number follows the order in which it is written here. */
function section(from: number, until: number, more: Partial<LockedSection> = {}): LockedSection {
  fence += 1;
  return { name: `${fence}`, pid: 1, key: 'k', fence, asked: from, from, until, ...more };
}

describe('judge', () => {
  it('finds nothing in sections that follow each other, in whatever order they are told', () => {
    const [a, b] = [section(0, 10), section(10, 20)];

    expect(judge([b, a, section(5, 30, { key: 'other' })], []).breaches).toEqual([]);
  });

  it('finds an overlap', () => {
    expect(judge([section(0, 10), section(9, 20)], []).breaches).toHaveLength(1);
  });

  it('finds an overlap with one that began long before others', () => {
    const sections = [section(0, 100, { mode: 'shared' }), section(1, 2, { mode: 'shared' })];

    expect(judge([...sections, section(50, 60)], []).breaches).toHaveLength(1);
  });

  it('lets readers, and as many as there are permits, be inside together', () => {
    const readers = [1, 2, 3].map((at) => section(at, 10, { mode: 'shared' }));
    const permits = [1, 2, 3].map((at) => section(at, 10, { key: 'p', permits: 3 }));

    expect(judge([...readers, ...permits], []).breaches).toEqual([]);
    const fourth = section(4, 10, { key: 'p', permits: 3 });
    expect(judge([...permits, fourth], []).breaches).toHaveLength(1);
  });

  it('finds a number that falls', () => {
    const [low, high] = [section(20, 30), section(0, 10)];

    expect(judge([low, high], []).breaches).toHaveLength(1);
  });

  it('finds a reader with a smaller number than a writer before it', () => {
    const [reader, writer] = [section(20, 30, { mode: 'shared' }), section(0, 10)];

    expect(judge([reader, writer], []).breaches).toHaveLength(1);
  });

  it('excuses an overlap in the time of a loss, and counts it', () => {
    const verdict = judge(
      [section(0, 9000), section(7000, 20_000)],
      [{ from: 5000, until: 10_000 }],
    );

    expect(verdict).toEqual({ breaches: [], excused: 1, longestExcusedMs: 2 });
  });

  it.each([
    ['before a loss', { from: 8, until: 30 }],
    ['with one that goes on after it', { from: 5, until: 9 }],
  ])('does not excuse an overlap %s', (_, loss) => {
    expect(judge([section(0, 10), section(7, 20)], [loss]).breaches).toHaveLength(1);
  });
});

describe('mostOvertaken', () => {
  it('counts later calls of another process that entered first', () => {
    const sections = [
      section(10, 11, { pid: 2, asked: 2 }),
      section(12, 13, { pid: 2, asked: 3 }),
      section(14, 15, { pid: 3, asked: 4 }),
      section(16, 17, { pid: 1, asked: 1 }),
    ];

    expect(mostOvertaken(sections)).toBe(2);
  });

  it('does not count for a call behind another one of its process', () => {
    const sections = [
      section(10, 11, { pid: 2, asked: 2 }),
      section(12, 13, { pid: 1, asked: 0 }),
      section(14, 15, { pid: 1, asked: 1 }),
    ];

    expect(mostOvertaken(sections)).toBe(1);
  });
});
