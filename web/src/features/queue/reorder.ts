/** The order after moving `moved` before or behind `target`. */
export function reorder(
  ids: readonly string[],
  moved: ReadonlySet<string>,
  target: string,
  place: "before" | "after",
): string[] {
  const rest = ids.filter((id) => !moved.has(id));
  const at = rest.indexOf(target) + (place === "after" ? 1 : 0);
  return [...rest.slice(0, at), ...ids.filter((id) => moved.has(id)), ...rest.slice(at)];
}
