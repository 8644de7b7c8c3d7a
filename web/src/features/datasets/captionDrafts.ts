/** What was typed into captions: written soon, and kept in this tab until it is, through Back, a reload and a lost server. */
import { useSyncExternalStore } from "react";
import { client } from "@/api/client";
import { errorText } from "@/shared/views";

export type Seen = { caption: string; revision: string };
export type Draft = {
  text: string;
  /** What it was made from; others may have changed that since. */
  seen: Seen;
  /** The caption as others have changed it meanwhile: one has to choose. */
  theirs?: Seen;
};
type State = { drafts: Readonly<Record<string, Draft>>; problem: string | null };

const SAVE_AFTER_MS = 800;
const STALE = 412;
/** Longer texts than this may not be sent while the page goes; they are written when it comes again. */
const LEAVES_WITH_PAGE = 10_000;

export function isUnsaved(draft: Draft): boolean {
  return draft.text.trim() !== draft.seen.caption;
}

export class CaptionDrafts {
  private state: State;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private saving: Promise<void> | null = null;
  private readonly listeners = new Set<() => void>();
  private readonly key: string;

  /** The drafts of the data set `name`; `onWritten` hears what the captions of its pictures are now. */
  constructor(
    private readonly name: string,
    private readonly onWritten: (picture: string, now: Seen) => void,
  ) {
    this.key = `captions ${name}`;
    this.state = { drafts: JSON.parse(sessionStorage.getItem(this.key) ?? "{}"), problem: null };
  }

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  getState = () => this.state;

  get hasUnsaved(): boolean {
    return Object.values(this.state.drafts).some(isUnsaved);
  }

  type(picture: string, text: string, seen: Seen): void {
    const draft = this.state.drafts[picture];
    this.put(picture, draft ? { ...draft, text } : { text, seen });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(), SAVE_AFTER_MS);
  }

  /** Forget what is written, so that the picture's own caption shows again. */
  leave(picture: string): void {
    const draft = this.state.drafts[picture];
    if (draft && !isUnsaved(draft)) this.put(picture, null);
  }

  /** Decide between the own text and that of others. */
  choose(picture: string, whose: "mine" | "theirs"): void {
    const draft = this.state.drafts[picture];
    if (!draft?.theirs) return;
    this.onWritten(picture, draft.theirs);
    this.put(picture, whose === "mine" ? { text: draft.text, seen: draft.theirs } : null);
    void this.flush();
  }

  /** Write what is not written yet. */
  flush = async (): Promise<void> => {
    clearTimeout(this.timer);
    while (this.saving) await this.saving;
    this.saving = this.saveAll();
    await this.saving;
    this.saving = null;
  };

  private async saveAll(): Promise<void> {
    for (const [picture, draft] of Object.entries(this.state.drafts)) {
      if (isUnsaved(draft) && !draft.theirs) await this.save(picture, draft);
    }
  }

  private async save(picture: string, sent: Draft): Promise<void> {
    try {
      const { data, error, response } = await client.PATCH("/api/datasets/{name}/captions", {
        params: { path: { name: this.name }, header: { "if-match": `"${sent.seen.revision}"` } },
        body: { captions: { [picture]: sent.text } },
        keepalive: sent.text.length < LEAVES_WITH_PAGE,
      });
      this.publish({ problem: data || response.status === STALE ? null : errorText(error) });
      if (data) this.written(picture, { caption: sent.text.trim(), revision: data.revisions[picture] ?? "" });
      else if (response.status === STALE) this.refused(picture, error as { captions: Record<string, Seen> });
    } catch (error) {
      this.publish({ problem: errorText(error) });
    }
  }

  private written(picture: string, now: Seen): void {
    this.onWritten(picture, now);
    const draft = this.state.drafts[picture];
    if (draft) this.put(picture, { text: draft.text, seen: now });
  }

  private refused(picture: string, answer: { captions: Record<string, Seen> }): void {
    const [draft, theirs] = [this.state.drafts[picture], answer.captions[picture]];
    if (!draft || !theirs) return;
    if (theirs.caption === draft.text.trim()) this.written(picture, theirs);
    else this.put(picture, { ...draft, theirs });
  }

  private put(picture: string, draft: Draft | null): void {
    const { [picture]: _, ...others } = this.state.drafts;
    const drafts = draft ? { ...others, [picture]: draft } : others;
    sessionStorage.setItem(this.key, JSON.stringify(drafts));
    this.publish({ drafts });
  }

  private publish(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }
}

export function useDrafts(drafts: CaptionDrafts): State {
  return useSyncExternalStore(drafts.subscribe, drafts.getState);
}
