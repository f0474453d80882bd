import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

// Okabe and Ito's colours, which colour-blind readers can tell apart.
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00'];
const SVG = 'http://www.w3.org/2000/svg';
const LEGEND_TOP = 44;

/** @returns the text of an SVG: one line per series, panels side by side */
export function draw({ title, x, y, linear = false }, points) {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const series = [...new Set(points.map((point) => point.series))];
  const panels = new Set(points.map(({ panel }) => panel));
  const domain = [...new Set(points.map((point) => point.x))].sort((a, b) => a - b);
  const channels = {
    x: 'x',
    y: 'y',
    z: 'series',
    stroke: 'series',
    ...(panels.size > 1 ? { fx: 'panel' } : {}),
  };
  const svg = Plot.plot({
    document,
    className: 'plot',
    width: 760,
    height: 400,
    marginTop: 84,
    marginLeft: 62,
    marginRight: 20,
    marginBottom: 44,
    style: { background: 'white', color: '#222', fontFamily: 'sans-serif', fontSize: '12px' },
    x: { type: 'point', domain, label: x, tickFormat: (value) => value.toLocaleString('en') },
    y: {
      type: linear ? 'linear' : 'log',
      grid: true,
      label: null,
      nice: true,
      zero: linear,
      ticks: 6,
    },
    ...(panels.size > 1 ? { fx: { label: null, domain: [...panels] } } : {}),
    color: { domain: series, range: COLOURS },
    marks: [
      Plot.line(points, { ...channels, strokeWidth: 2 }),
      Plot.dot(points, { ...channels, fill: 'series', r: 3 }),
    ],
  });
  const add = (name, attributes, text) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    svg.append(element);
  };
  add(
    'text',
    { x: 10, y: 20, 'font-size': 14, 'font-weight': 'bold', 'text-anchor': 'start', fill: '#222' },
    title,
  );
  add('text', { x: 10, y: 74, 'text-anchor': 'start', fill: '#222' }, y);
  let left = 10;
  for (const [at, name] of series.entries()) {
    add('circle', { cx: left + 5, cy: LEGEND_TOP - 4, r: 5, fill: COLOURS[at] });
    add('text', { x: left + 15, y: LEGEND_TOP, 'text-anchor': 'start', fill: '#222' }, name);
    left += 35 + name.length * 7;
  }
  svg.setAttribute('xmlns', SVG);
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', title);
  // A tenth of a pixel is enough.
  const text = svg.outerHTML.replace(/\d+\.\d\d+/g, (number) => Number(number).toFixed(1));
  return `${text}\n`;
}
