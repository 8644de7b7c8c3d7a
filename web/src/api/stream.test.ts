import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { backoffMs, LiveStream, streamUrl } from "@/api/stream";

class FakeSocket {
  static made: FakeSocket[] = [];
  readyState: number = WebSocket.CONNECTING;
  sent: string[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  constructor() {
    FakeSocket.made.push(this);
  }
  send(text: string) {
    this.sent.push(text);
  }
  close() {
    this.readyState = WebSocket.CLOSED;
  }
  open() {
    this.readyState = WebSocket.OPEN;
    this.onopen?.();
  }
}

function connect() {
  const calls = { messages: [] as string[], opened: 0, states: [] as boolean[] };
  const stream = new LiveStream({
    topics: ["runs"],
    onMessage: (message) => calls.messages.push(message.type),
    onOpen: () => {
      calls.opened += 1;
    },
    onState: (state) => calls.states.push(state),
    open: () => new FakeSocket() as unknown as WebSocket,
  });
  return { calls, stream };
}

describe("the live stream", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    FakeSocket.made = [];
  });
  afterEach(() => vi.useRealTimers());

  it("hands messages on, but not the answers to its pings", () => {
    const { calls, stream } = connect();
    const socket = FakeSocket.made[0];
    socket?.open();
    socket?.onmessage?.({ data: '{"type":"run"}' });
    socket?.onmessage?.({ data: '{"type":"pong"}' });
    expect(calls).toMatchObject({ messages: ["run"], opened: 1, states: [true] });
    stream.close();
  });

  it("connects again after a break and says so, for what was missed", () => {
    const { calls, stream } = connect();
    FakeSocket.made[0]?.open();
    FakeSocket.made[0]?.onclose?.();
    vi.advanceTimersByTime(backoffMs(0));
    FakeSocket.made[1]?.open();
    expect(calls).toMatchObject({ opened: 2, states: [true, false, true] });
    stream.close();
  });

  it("gives a connection up that does not answer a ping", () => {
    const { calls, stream } = connect();
    FakeSocket.made[0]?.open();
    vi.advanceTimersByTime(30_000);
    expect(FakeSocket.made[0]?.sent).toEqual(["ping"]);
    expect(calls.states).toContain(false);
    stream.close();
  });

  it("is quiet once it is closed", () => {
    const { stream } = connect();
    stream.close();
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.made).toHaveLength(1);
  });

  it("waits longer each time, ten seconds at most", () => {
    expect([0, 1, 2, 10].map(backoffMs)).toEqual([500, 1000, 2000, 10_000]);
  });

  it("follows the page's own scheme and host", () => {
    expect(streamUrl(["runs", "log"], { protocol: "https:", host: "lab:8000" })).toBe(
      "wss://lab:8000/ws?topics=runs,log",
    );
  });
});
