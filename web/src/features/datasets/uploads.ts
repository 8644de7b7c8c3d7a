/**
 * Sends files a few at a time, each with its progress; waits while the server is away; what failed can be tried again.
 *
 * A file that the data set has already stays as it is until somebody says that it is to be replaced.
 */

export type Upload = {
  id: number;
  file: File;
  sent: number;
  error: string | null;
  replaces: boolean;
  /** The server went while it was sent: it may have come through. */
  isAgain: boolean;
};

/** How it stands. What was cancelled is no part of it any more. */
export type Uploads = {
  total: number;
  done: number;
  sending: readonly Upload[];
  failed: readonly Upload[];
  /** Left out: the data set has files of their names. */
  present: readonly Upload[];
  isBusy: boolean;
  /** The server does not answer; what is not through goes on when it does. */
  isAway: boolean;
};

const AT_ONCE = 3;
/** More often nobody can read it. */
const SHOWN_EVERY_MS = 100;
const ASKED_EVERY_MS = 1000;
const IS_PRESENT = 412;

export class Uploader {
  private waiting: Upload[] = [];
  private sending = new Map<number, { upload: Upload; request: XMLHttpRequest }>();
  private failed: Upload[] = [];
  private present: Upload[] = [];
  private done = 0;
  private isAway = false;
  private nextId = 1;
  private listeners = new Set<() => void>();
  private shown: Uploads = { total: 0, done: 0, sending: [], failed: [], present: [], isBusy: false, isAway: false };
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly urlOf: (file: File) => string,
    /** A file is through; with `isLast`, nothing is left to send. */
    private readonly onNews: (isLast: boolean) => void,
  ) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  snapshot = (): Uploads => this.shown;

  add(files: readonly File[]): void {
    for (const file of files)
      this.waiting.push({ id: this.nextId++, file, sent: 0, error: null, replaces: false, isAgain: false });
    this.pump();
  }

  /** Try again what failed: one file, or all. */
  retry(id?: number): void {
    const isMeant = (one: Upload) => (id ?? one.id) === one.id;
    this.waiting = [...this.failed.filter(isMeant).map(afresh), ...this.waiting];
    this.failed = this.failed.filter((one) => !isMeant(one));
    this.pump();
  }

  /** Send what was left out after all. */
  replace(): void {
    this.waiting.push(...this.present.map((one) => ({ ...one, sent: 0, replaces: true })));
    this.present = [];
    this.pump();
  }

  /** Give up what is not through: one file that is under way, or all. */
  cancel(id?: number): void {
    if (id === undefined) this.waiting = [];
    for (const [sendingId, { request }] of this.sending) {
      if ((id ?? sendingId) !== sendingId) continue;
      this.sending.delete(sendingId);
      request.abort();
    }
    this.pump();
  }

  /** Forget what is through, what failed and what was left out. */
  clear(): void {
    this.done = 0;
    this.failed = [];
    this.present = [];
    this.publish();
  }

  get isBusy(): boolean {
    return this.sending.size > 0 || this.waiting.length > 0;
  }

  private pump(): void {
    while (!this.isAway && this.sending.size < AT_ONCE) {
      const next = this.waiting.shift();
      if (!next) break;
      this.send(next);
    }
    if (this.isBusy) this.publishSoon();
    else {
      this.publish();
      this.onNews(true);
    }
  }

  private send(upload: Upload): void {
    const request = new XMLHttpRequest();
    this.sending.set(upload.id, { upload, request });
    request.upload.onprogress = (event) => {
      if (!this.sending.has(upload.id)) return;
      this.sending.set(upload.id, { upload: { ...upload, sent: event.loaded }, request });
      this.publishSoon();
    };
    request.onloadend = () => this.ended(upload, request);
    request.open("PUT", this.urlOf(upload.file));
    if (!upload.replaces) request.setRequestHeader("If-None-Match", "*");
    request.send(upload.file);
  }

  private async ended(upload: Upload, request: XMLHttpRequest): Promise<void> {
    // Without an answer either the server is away, or this file cannot be read or sent.
    const isLost = request.status === 0 && this.sending.has(upload.id) && !(await isServerThere());
    if (!this.sending.delete(upload.id)) return; // cancelled
    if (isLost) {
      this.waiting.unshift({ ...upload, isAgain: true });
      this.awaitServer();
    } else if ((request.status >= 200 && request.status < 300) || (upload.isAgain && request.status === IS_PRESENT)) {
      this.done += 1;
      if (this.isBusy) this.onNews(false);
    } else if (request.status === IS_PRESENT) this.present = inOrder(this.present, upload);
    else this.failed = inOrder(this.failed, { ...upload, error: detailOf(request) });
    this.pump();
  }

  private async awaitServer(): Promise<void> {
    if (this.isAway) return;
    this.isAway = true;
    do await new Promise((resolve) => setTimeout(resolve, ASKED_EVERY_MS));
    while (this.waiting.length > 0 && !(await isServerThere()));
    this.isAway = false;
    this.pump();
  }

  private publishSoon(): void {
    this.timer ??= setTimeout(() => this.publish(), SHOWN_EVERY_MS);
  }

  private publish(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { waiting, done, isBusy, isAway } = this;
    const sending = [...this.sending.values()].map(({ upload }) => upload);
    const [failed, present] = [[...this.failed], [...this.present]];
    this.shown = {
      total: waiting.length + sending.length + done + failed.length + present.length,
      done,
      sending,
      failed,
      present,
      isBusy,
      isAway,
    };
    for (const listener of this.listeners) listener();
  }
}

/** As they were given, whichever answer came first: several are under way at once. */
function inOrder(uploads: readonly Upload[], another: Upload): Upload[] {
  return [...uploads, another].sort((one, other) => one.id - other.id);
}

function afresh(upload: Upload): Upload {
  return { ...upload, sent: 0, error: null };
}

async function isServerThere(): Promise<boolean> {
  try {
    return (await fetch("/api/health")).ok;
  } catch {
    return false;
  }
}

function detailOf(request: XMLHttpRequest): string | null {
  try {
    return String((JSON.parse(request.responseText) as { detail: unknown }).detail);
  } catch {
    return null;
  }
}
