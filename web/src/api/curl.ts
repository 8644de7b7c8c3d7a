/** The shell line that does what a button does. */

export type Request = {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  body?: unknown;
  /** A file that is sent as the body itself, or as the field `file` of a form. */
  file?: { name: string; as: "body" | "form" };
};

/** Quote for a POSIX shell: single quotes, and a quote inside as '\''. */
export function shellQuote(text: string): string {
  return /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Where the server asks for its token, the line takes it from the shell's variable TOKEN: it is never shown. */
export function curlLine({ method, path, body, file }: Request, origin: string, needsToken = false): string {
  const parts = ["curl"];
  if (file)
    parts.push(...(file.as === "body" ? ["-T", shellQuote(file.name)] : ["-F", shellQuote(`file=@${file.name}`)]));
  else if (method !== "GET") parts.push("-X", method);
  parts.push(shellQuote(origin + path));
  if (needsToken) parts.push("-H", '"Authorization: Bearer $TOKEN"');
  if (body !== undefined)
    parts.push("-H", shellQuote("Content-Type: application/json"), "-d", shellQuote(JSON.stringify(body)));
  return parts.join(" ");
}
