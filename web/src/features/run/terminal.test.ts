import { describe, expect, it } from "vitest";
import { lineText, Terminal } from "@/features/run/terminal";

function shown(written: string): string[] {
  const terminal = new Terminal();
  terminal.write(written);
  return [...terminal.lines, terminal.open].map(lineText);
}

describe("a terminal", () => {
  it("lets a carriage return overwrite the line", () => {
    expect(shown("step 1/20\rstep 2\nend")).toEqual(["step 2/20", "end"]);
  });

  it("colours text and drops the codes", () => {
    const terminal = new Terminal();
    terminal.write("\u001b[1;31merror\u001b[0m fine\n");
    expect(terminal.lines[0]).toEqual([
      { text: "error", color: 1, isBold: true },
      { text: " fine", color: null, isBold: false },
    ]);
  });

  it("erases to the end of the line", () => {
    expect(shown("long line\rab\u001b[K")).toEqual(["ab"]);
  });

  it("takes a text in any portions", () => {
    const terminal = new Terminal();
    for (const char of "a\rb\nc") terminal.write(char);
    expect([...terminal.lines, terminal.open].map(lineText)).toEqual(["b", "c"]);
  });
});
