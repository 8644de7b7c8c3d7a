/**
 * A live connection to /ws that mends itself.
 *
 * Messages carry no promise across a broken connection, so whoever listens is told when a connection is made again and
 * fetches what it shows once more; byte offsets (log) and steps (curves) tell what is already there. Nothing is doubled
 * or missing, and the person sees at most a thin notice.
 */
import type { components } from "@/api/schema";

/** What the server publishes, told apart by `type`. */
export type LiveMessage = components["schemas"]["StreamMessage"];

export type LiveOptions = {
  topics: readonly string[];
  onMessage: (message: LiveMessage) => void;
  /** Connected, for the first time or again: fetch what may have been missed. */
  onOpen: () => void;
  onState?: (isConnected: boolean) => void;
  /** How a socket is made; tests give their own. */
  open?: (url: string) => WebSocket;
};

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
const PING_EVERY_MS = 15_000;
const PONG_WITHIN_MS = 6_000;

/** Wait before attempt number `attempt` (from 0): doubling, at most ten seconds. */
export function backoffMs(attempt: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
}

export function streamUrl(topics: readonly string[], location: { protocol: string; host: string }): string {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return `${scheme}://${location.host}/ws?topics=${topics.map(encodeURIComponent).join(",")}`;
}

export class LiveStream {
  private socket: WebSocket | null = null;
  private attempt = 0;
  private isClosed = false;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private pingTimer: ReturnType<typeof setInterval> | undefined;
  private pongTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: LiveOptions) {
    this.connect();
    window.addEventListener("online", this.wake);
    document.addEventListener("visibilitychange", this.wake);
  }

  close(): void {
    this.isClosed = true;
    window.removeEventListener("online", this.wake);
    document.removeEventListener("visibilitychange", this.wake);
    this.drop();
  }

  /** After sleep a socket may look open and be dead; waiting for a retry would show old figures. */
  private wake = () => {
    if (document.visibilityState === "hidden" || this.isClosed) return;
    if (this.socket?.readyState === WebSocket.OPEN) this.ping();
    else if (this.socket?.readyState !== WebSocket.CONNECTING) this.connect();
  };

  private connect(): void {
    this.drop();
    const open = this.options.open ?? ((url: string) => new WebSocket(url));
    const socket = open(streamUrl(this.options.topics, window.location));
    this.socket = socket;
    socket.onopen = () => this.opened();
    socket.onmessage = (event: MessageEvent<string>) => this.received(event.data);
    socket.onclose = () => this.lost();
  }

  private opened(): void {
    this.attempt = 0;
    this.pingTimer = setInterval(() => this.ping(), PING_EVERY_MS);
    this.options.onState?.(true);
    this.options.onOpen();
  }

  private received(text: string): void {
    clearTimeout(this.pongTimer);
    this.pongTimer = undefined;
    const message: LiveMessage = JSON.parse(text);
    if (message.type !== "pong") this.options.onMessage(message);
  }

  private ping(): void {
    if (this.pongTimer !== undefined || this.socket?.readyState !== WebSocket.OPEN) return;
    this.socket.send("ping");
    this.pongTimer = setTimeout(() => this.lost(), PONG_WITHIN_MS);
  }

  private lost(): void {
    if (this.isClosed) return;
    this.drop();
    this.options.onState?.(false);
    this.retryTimer = setTimeout(() => this.connect(), backoffMs(this.attempt));
    this.attempt += 1;
  }

  private drop(): void {
    clearTimeout(this.retryTimer);
    clearInterval(this.pingTimer);
    clearTimeout(this.pongTimer);
    this.pongTimer = undefined;
    if (!this.socket) return;
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
    this.socket = null;
  }
}
