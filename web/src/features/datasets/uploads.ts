/** Sends files one by one, a few at the same time, each with its progress; what failed can be tried again. */

export type Upload = {
  id: number;
  file: File;
  state: "waiting" | "sending" | "done" | "failed" | "cancelled";
  sent: number;
  error: string | null;
};

const AT_ONCE = 3;

export class Uploader {
  private uploads: Upload[] = [];
  private requests = new Map<number, XMLHttpRequest>();
  private listeners = new Set<() => void>();
  private shown: readonly Upload[] = [];
  private nextId = 1;

  constructor(
    private readonly urlOf: (file: File) => string,
    private readonly onSettled: () => void,
  ) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  snapshot = (): readonly Upload[] => this.shown;

  add(files: readonly File[]): void {
    for (const file of files) this.uploads.push({ id: this.nextId++, file, state: "waiting", sent: 0, error: null });
    this.pump();
  }

  /** Try again what failed: one file, or all. */
  retry(id?: number): void {
    this.uploads = this.uploads.map((one) =>
      one.state === "failed" && (id ?? one.id) === one.id ? { ...one, state: "waiting", sent: 0, error: null } : one,
    );
    this.pump();
  }

  /** Give up what is not through: one file, or all. */
  cancel(id?: number): void {
    const isMeant = (one: Upload) => (id ?? one.id) === one.id && (one.state === "waiting" || one.state === "sending");
    for (const one of this.uploads.filter(isMeant)) {
      const request = this.requests.get(one.id);
      this.requests.delete(one.id);
      request?.abort();
    }
    this.uploads = this.uploads.map((one) => (isMeant(one) ? { ...one, state: "cancelled" } : one));
    this.pump();
  }

  clear(): void {
    this.uploads = this.uploads.filter((one) => one.state === "waiting" || one.state === "sending");
    this.publish();
  }

  private pump(): void {
    for (const upload of this.uploads) {
      if (this.requests.size >= AT_ONCE) break;
      if (upload.state === "waiting") this.send(upload);
    }
    this.publish();
    if (this.requests.size === 0) this.onSettled();
  }

  private send(upload: Upload): void {
    const request = new XMLHttpRequest();
    this.requests.set(upload.id, request);
    this.change(upload.id, { state: "sending" });
    request.upload.onprogress = (event) => {
      this.change(upload.id, { sent: event.loaded });
      this.publish();
    };
    request.onloadend = () => {
      if (!this.requests.delete(upload.id)) return;
      const isDone = request.status >= 200 && request.status < 300;
      this.change(
        upload.id,
        isDone ? { state: "done", sent: upload.file.size } : { state: "failed", error: detailOf(request) },
      );
      this.pump();
    };
    request.open("PUT", this.urlOf(upload.file));
    request.send(upload.file);
  }

  private change(id: number, change: Partial<Upload>): void {
    this.uploads = this.uploads.map((one) => (one.id === id ? { ...one, ...change } : one));
  }

  private publish(): void {
    this.shown = this.uploads;
    for (const listener of this.listeners) listener();
  }
}

function detailOf(request: XMLHttpRequest): string | null {
  try {
    return String((JSON.parse(request.responseText) as { detail: unknown }).detail);
  } catch {
    return null;
  }
}
