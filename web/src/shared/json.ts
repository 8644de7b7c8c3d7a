/** JSON values as text for people. */

const LONGEST = 200;

export function showJson(value: unknown): string {
  if (value === undefined || value === null || value === "") return "–";
  const shown = typeof value === "string" ? value : JSON.stringify(value);
  return shown.length > LONGEST ? `${shown.slice(0, LONGEST)}…` : shown;
}
