const WIDTH = 860;
const HEIGHT = 460;
const MOST_DOTS = 5;
const PLOT = { left: 70, right: 620, top: 50, bottom: 400 };
const COLOURS = [
  '#4e79a7',
  '#f28e2b',
  '#76b7b2',
  '#59a14f',
  '#b6992d',
  '#b07aa1',
  '#ff9da7',
  '#9c755f',
  '#9aa0a6',
];
const STYLES = { ours: { colour: '#d62728', width: 3.5 }, floor: { colour: '#000', width: 2 } };

/**
 * Lines over a logarithmic x axis, as SVG. Lines of few points have dots and are named in the order in which they end.
 *
 * @param {object} chart
 * @param {string} chart.title
 * @param {string} chart.xLabel
 * @param {string} chart.yLabel
 * @param {boolean} [chart.yIsLinear]
 * @param {{ name: string, style: 'ours' | 'floor' | 'other', points: [number, number][] }[]} chart.series
 */
export function lineChart({ title, xLabel, yLabel, yIsLinear = false, series }) {
  const others = series.filter(({ style }) => style === 'other');
  const lines = series.map((line) => ({
    ...line,
    ...(STYLES[line.style] ?? {
      colour: COLOURS[others.indexOf(line) % COLOURS.length],
      width: 1.5,
    }),
  }));
  const points = lines.flatMap((line) => line.points);
  const x = logScale(
    points.map(([value]) => value),
    PLOT.left,
    PLOT.right,
  );
  const y = (yIsLinear ? linearScale : logScale)(
    points.map(([, value]) => value),
    PLOT.bottom,
    PLOT.top,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(PLOT.left, 24, title, 'font-size="16" font-weight="bold"'),
    text(PLOT.left, 42, yLabel, 'fill="#555"'),
    text((PLOT.left + PLOT.right) / 2, HEIGHT - 16, xLabel, 'fill="#555" text-anchor="middle"'),
    ...x.ticks.map((tick) => xTick(x.at(tick), tick)),
    ...y.ticks.map((tick) => yTick(y.at(tick), tick)),
    ...lines.map((line) => path(line, x, y)),
    ...legend(lines),
    '</svg>\n',
  ].join('\n');
}

function path({ points, colour, width }, x, y) {
  const places = points.map(([px, py]) => [x.at(px).toFixed(1), y.at(py).toFixed(1)]);
  const dots =
    points.length > MOST_DOTS
      ? []
      : places.map(
          ([px, py]) => `<circle cx="${px}" cy="${py}" r="${width + 1}" fill="${colour}"/>`,
        );
  const line = `<polyline points="${places.join(' ')}" fill="none" stroke="${colour}" stroke-width="${width}"/>`;
  return [line, ...dots].join('\n');
}

function legend(lines) {
  const last = ({ points }) => (points.length > MOST_DOTS ? 0 : points.at(-1)?.[1]);
  return lines
    .toSorted((one, other) => last(other) - last(one))
    .flatMap(({ name, colour, width, style }, i) => [
      `<rect x="640" y="${PLOT.top + i * 22}" width="14" height="${width + 1}" fill="${colour}"/>`,
      text(662, PLOT.top + 6 + i * 22, name, style === 'ours' ? 'font-weight="bold"' : ''),
    ]);
}

function xTick(at, value) {
  const { top, bottom } = PLOT;
  return [
    `<line x1="${at.toFixed(1)}" x2="${at.toFixed(1)}" y1="${top}" y2="${bottom}" stroke="#e5e5e5"/>`,
    text(at, bottom + 18, label(value), 'text-anchor="middle"'),
  ].join('\n');
}

function yTick(at, value) {
  const { left, right } = PLOT;
  return [
    `<line x1="${left}" x2="${right}" y1="${at.toFixed(1)}" y2="${at.toFixed(1)}" stroke="#e5e5e5"/>`,
    text(left - 8, at + 4, label(value), 'text-anchor="end"'),
  ].join('\n');
}

function logScale(values, from, to) {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  return { ticks, at: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from) };
}

function linearScale(values, from, to) {
  const highest = Math.max(...values);
  const step = 10 ** Math.floor(Math.log10(highest));
  const count = Math.ceil(highest / step);
  const ticks = Array.from({ length: count + 1 }, (_, i) => i * step);
  return { ticks, at: (value) => from + (value / (count * step)) * (to - from) };
}

function label(value) {
  return value >= 1000 ? value.toLocaleString('en') : `${Number(value.toPrecision(2))}`;
}

function text(x, y, content, attributes) {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${Math.round(x)}" y="${Math.round(y)}" ${attributes}>${escaped}</text>`;
}
