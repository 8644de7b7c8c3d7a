import { useCallback, useEffect, useRef, useState } from "react";
import { client } from "@/api/client";
import { useLive } from "@/api/live";
import type { components } from "@/api/schema";
import { type Line, Terminal } from "@/features/run/terminal";

const FIRST_BYTES = 256 * 1024;
const PAGE_BYTES = 1024 * 1024;

type LogText = components["schemas"]["LogData"];
type Shown = { lines: readonly Line[]; size: number; hasEarlier: boolean; isPending: boolean; error: unknown };

const bytes = new TextEncoder();

/** What has been read of one log: everything from `start` to `next`, in bytes. */
class LogReader {
  private terminal = new Terminal();
  private start = -FIRST_BYTES;
  private next: number | null = null;
  private reading: Promise<void> | null = null;
  size = 0;

  constructor(private readonly runId: string) {}

  get hasEarlier(): boolean {
    return this.next !== null && this.start > 0;
  }

  get lines(): Line[] {
    const open = this.terminal.open;
    return open.length > 0 ? [...this.terminal.lines, open] : [...this.terminal.lines];
  }

  /** Read what is missing up to the end; called again while it reads, it waits for the same answer. */
  readOn(): Promise<void> {
    this.reading ??= this.readToEnd().finally(() => {
      this.reading = null;
    });
    return this.reading;
  }

  readEarlier(): Promise<void> {
    this.start = Math.max(0, this.start - PAGE_BYTES);
    this.next = null;
    this.terminal = new Terminal();
    return this.readOn();
  }

  /** Take what the stream brings if it fits on the end; a gap is read, what is known already is passed over. */
  take(message: LogText): Promise<void> | null {
    const end = message.offset + bytes.encode(message.text).length;
    if (this.next === null || this.reading) return this.readOn();
    if (end <= this.next) return null;
    if (message.offset !== this.next) return this.readOn();
    this.terminal.write(message.text);
    this.next = this.size = end;
    return null;
  }

  private async readToEnd(): Promise<void> {
    for (;;) {
      const { data, error } = await client.GET("/api/runs/{run_id}/log", {
        params: { path: { run_id: this.runId }, query: { offset: this.next ?? this.start, limit: PAGE_BYTES } },
      });
      if (error !== undefined) throw error;
      if (this.next === null) this.start = data.offset;
      this.terminal.write(data.text);
      this.next = data.next_offset;
      this.size = data.size;
      if (data.text === "" || data.next_offset >= data.size) return;
    }
  }
}

/** The log of a run as a terminal would show it, kept up to date by the stream. */
export function useLog(runId: string): Shown & { loadEarlier: () => void; reload: () => void } {
  const reader = useRef<LogReader>(new LogReader(runId));
  const [shown, setShown] = useState<Shown>({ lines: [], size: 0, hasEarlier: false, isPending: true, error: null });

  const show = useCallback((error: unknown = null) => {
    const { lines, size, hasEarlier } = reader.current;
    setShown({ lines, size, hasEarlier, isPending: false, error });
  }, []);
  const follow = useCallback(
    (reading: Promise<void> | null) => {
      if (reading) reading.then(() => show(), show);
      else show();
    },
    [show],
  );
  const readOn = useCallback(() => follow(reader.current.readOn()), [follow]);

  useEffect(() => readOn(), [readOn]);
  useLive(
    ["log"],
    (message) => {
      if (message.type === "log" && message.data.run_id === runId) follow(reader.current.take(message.data));
    },
    readOn,
  );
  return { ...shown, loadEarlier: () => follow(reader.current.readEarlier()), reload: readOn };
}
