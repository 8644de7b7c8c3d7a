/** The shell line that does what a button does. */

export type Request = { method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"; path: string; body?: unknown };

/** Quote for a POSIX shell: single quotes, and a quote inside as '\''. */
export function shellQuote(text: string): string {
  return /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export function curlLine({ method, path, body }: Request, origin: string = window.location.origin): string {
  const parts = ["curl"];
  if (method !== "GET") parts.push("-X", method);
  parts.push(shellQuote(origin + path));
  if (body !== undefined)
    parts.push("-H", shellQuote("Content-Type: application/json"), "-d", shellQuote(JSON.stringify(body)));
  return parts.join(" ");
}
