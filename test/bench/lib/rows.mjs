// The lines of the table. A goal in words comes with the limit that meets it; a line without a
// limit is there for comparison.

const times = (value) => `${value >= 20 ? value.toFixed(0) : value.toFixed(2)}x`;

/** A ratio (what `compare` gives), the least that meets the goal, and the rate of the first. */
export function ratioRow(what, goal, { value, low, high }, least, perSecond) {
  return {
    what,
    goal,
    reached: times(value),
    spread: `${times(low)} to ${times(high)}`,
    met: least === undefined ? undefined : value >= least,
    perSecond,
  };
}

/** A figure with a unit that has to be at most something. */
export function figureRow(what, goal, value, unit, most) {
  const rounded = value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  const reached = `${rounded.toLocaleString('en')} ${unit}`;
  return { what, goal, reached, met: most === undefined ? undefined : value <= most };
}
