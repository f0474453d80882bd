/** One line of the table: what was measured, the goal in words, the ratio reached, and the least that meets the goal (none: for comparison). */
export function row(what, goal, reached, least, result, name) {
  return {
    what,
    goal,
    reached,
    met: least === undefined ? undefined : reached >= least,
    perSecond: name === undefined ? undefined : result.perSecond(name),
  };
}

/** As `row`, for a figure that has to be at most something. */
export function atMost(what, goal, value, unit, most) {
  return { what, goal, text: `${value} ${unit}`, met: value <= most };
}
