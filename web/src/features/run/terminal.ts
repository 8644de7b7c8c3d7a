/** What a log looks like on a terminal: carriage returns overwrite the line, colour codes colour it. */

export type Span = { text: string; color: number | null; isBold: boolean };
export type Line = Span[];

type Cell = { char: string; color: number | null; isBold: boolean };

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with a control character.
const ESCAPE = /\u001b\[([0-9;?]*)([A-Za-z])|\u001b\][^\u0007]*\u0007|\u001b[()][A-Z0-9]/y;

export class Terminal {
  /** Lines that will not change any more. */
  readonly lines: Line[] = [];
  private cells: Cell[] = [];
  private column = 0;
  private color: number | null = null;
  private isBold = false;

  write(text: string): void {
    let at = 0;
    while (at < text.length) {
      ESCAPE.lastIndex = at;
      const found = text[at] === "\u001b" ? ESCAPE.exec(text) : null;
      if (found) {
        this.obey(found[2], found[1] ?? "");
        at = ESCAPE.lastIndex;
      } else {
        this.put(text[at] ?? "");
        at += 1;
      }
    }
  }

  /** The line that is still being written. */
  get open(): Line {
    return toSpans(this.cells);
  }

  private put(char: string): void {
    if (char === "\n") {
      this.lines.push(toSpans(this.cells));
      this.cells = [];
      this.column = 0;
    } else if (char === "\r") this.column = 0;
    else if (char === "\b") this.column = Math.max(0, this.column - 1);
    else if (char >= " " || char === "\t") {
      while (this.cells.length < this.column) this.cells.push({ char: " ", color: null, isBold: false });
      this.cells[this.column] = { char, color: this.color, isBold: this.isBold };
      this.column += 1;
    }
  }

  private obey(command: string | undefined, parameters: string): void {
    if (command === "m") for (const code of parameters.split(";")) this.style(Number(code || 0));
    else if (command === "K") this.cells.length = Math.min(this.cells.length, this.column);
    else if (command === "G") this.column = Math.max(0, Number(parameters || 1) - 1);
  }

  private style(code: number): void {
    if (code === 0) {
      this.color = null;
      this.isBold = false;
    } else if (code === 1) this.isBold = true;
    else if (code === 22) this.isBold = false;
    else if (code === 39) this.color = null;
    else if (code >= 30 && code <= 37) this.color = code - 30;
    else if (code >= 90 && code <= 97) this.color = code - 90;
  }
}

function toSpans(cells: readonly Cell[]): Line {
  const spans: Line = [];
  for (const cell of cells) {
    const last = spans.at(-1);
    if (last && last.color === cell.color && last.isBold === cell.isBold) last.text += cell.char;
    else spans.push({ text: cell.char, color: cell.color, isBold: cell.isBold });
  }
  return spans;
}

export function lineText(line: Line): string {
  return line.map((span) => span.text).join("");
}
