/**
 * The configuration being edited: what the server holds, what was changed here since, and the way back.
 *
 * Every change is sent as the few paths it touches, with the revision it was made on. When somebody else changed the
 * configuration meanwhile the server refuses, and the person decides.
 */
import isSame from "fast-deep-equal";
import { client } from "@/api/client";
import { ASKS_FOR_TOKEN } from "@/api/login";
import { type Changes, type Config, changesBetween, setAt, withChanges } from "@/features/config/paths";
import { errorText } from "@/shared/views";

/** A configuration, and the run that it was taken from. */
type Version = { config: Config; parent: string | null };

type Unsent = { changes: Changes; revision: string };

export type EditorState = Version & {
  canUndo: boolean;
  canRedo: boolean;
  /** What the server said about the last change it refused. */
  refused: string | null;
  /** Whether the last change did not reach the server; it is sent when that is there again. */
  isWaiting: boolean;
  /** Somebody else's version, while it has to be decided which one holds. */
  theirs: { config: Config; revision: string } | null;
  isSaving: boolean;
};

const SAVE_AFTER_MS = 350;
/** Where a tab keeps what the server has not got yet, through a reload. */
const UNSENT = "configuration";
const STALE = 412;
const MOST_STEPS_BACK = 200;

export class Editor {
  private past: Version[] = [];
  private future: Version[] = [];
  private lastPath: string | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private saving: Promise<void> | null = null;
  private listeners = new Set<() => void>();
  private state: EditorState;

  constructor(
    private saved: Config,
    private revision: string,
  ) {
    const still = { canUndo: false, canRedo: false, refused: null, theirs: null, isSaving: false, isWaiting: false };
    this.state = { config: saved, parent: null, ...still };
  }

  /** Begin with what the server holds, and what this tab changed before and could not send. */
  static takeUp(config: Config, revision: string): Editor {
    const unsent: Unsent | null = JSON.parse(sessionStorage.getItem(UNSENT) ?? "null");
    const editor = new Editor(config, unsent?.revision ?? revision);
    if (unsent) editor.replace(withChanges(config, unsent.changes));
    return editor;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  snapshot = (): EditorState => this.state;

  get config(): Config {
    return this.state.config;
  }

  /** Change one setting, and what follows from it; changes of the same one in a row are one step back. */
  set(path: string, value: unknown, along: Changes = {}): void {
    let next = setAt(this.config, path, value);
    for (const [other, follows] of Object.entries(along)) next = setAt(next, other, follows);
    if (isSame(next, this.config)) return;
    if (path !== this.lastPath) this.remember();
    this.lastPath = path;
    this.change({ config: next, parent: this.state.parent });
  }

  /** Replace the whole configuration, as one step back. */
  replace(config: Config, parent: string | null = null): void {
    this.remember();
    this.lastPath = null;
    this.change({ config, parent });
  }

  undo(): void {
    const before = this.past.pop();
    if (!before) return;
    this.future.push(this.version);
    this.lastPath = null;
    this.change(before, true);
  }

  redo(): void {
    const after = this.future.pop();
    if (!after) return;
    this.past.push(this.version);
    this.lastPath = null;
    this.change(after, true);
  }

  /** End a conflict: go on with the other version, or put one's own changes on top of it. */
  resolve(choice: "theirs" | "mine"): void {
    const theirs = this.state.theirs;
    if (!theirs) return;
    const mine = changesBetween(this.saved, this.config);
    this.saved = theirs.config;
    this.revision = theirs.revision;
    this.remember();
    this.publish({ theirs: null });
    this.change({ config: choice === "mine" ? withChanges(theirs.config, mine) : theirs.config, parent: null });
  }

  /** Take over what the server holds now, unless something here waits to be saved: that is sent now. */
  refresh(config: Config, revision: string): void {
    if (!isSame(this.saved, this.config)) return void this.flush();
    if (revision === this.revision) return;
    this.saved = config;
    this.revision = revision;
    this.remember();
    this.publish({ config, parent: null });
  }

  /** Wait until everything is with the server. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.saving ??= this.save().finally(() => {
      this.saving = null;
    });
    await this.saving;
    const { refused, theirs, isWaiting } = this.state;
    if (!isSame(this.saved, this.config) && !refused && !theirs && !isWaiting) await this.flush();
  }

  private get version(): Version {
    return { config: this.state.config, parent: this.state.parent };
  }

  private remember(): void {
    this.past = [...this.past.slice(1 - MOST_STEPS_BACK), this.version];
    this.future = [];
  }

  private change(version: Version, isStep = false): void {
    if (!isStep) this.future = [];
    this.publish({ ...version, refused: null });
    this.keepUnsent();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(), SAVE_AFTER_MS);
  }

  private async save(): Promise<void> {
    const sent = this.config;
    const changes = changesBetween(this.saved, sent);
    if (Object.keys(changes).length === 0 || this.state.theirs) return;
    this.publish({ isSaving: true, isWaiting: false });
    try {
      const { data, error, response } = await client.PATCH("/api/config/current", {
        body: { changes },
        params: { header: { "if-match": `"${this.revision}"` } },
      });
      if (data) {
        this.saved = sent;
        this.revision = data.revision;
      } else if (response.status === STALE) await this.readTheirs();
      else if (response.status === ASKS_FOR_TOKEN) this.publish({ isWaiting: true });
      else this.publish({ refused: errorText(error) });
    } catch {
      this.publish({ isWaiting: true });
    } finally {
      this.keepUnsent();
      this.publish({ isSaving: false });
    }
  }

  private keepUnsent(): void {
    const changes = changesBetween(this.saved, this.config);
    const unsent: Unsent = { changes, revision: this.revision };
    if (Object.keys(changes).length === 0) sessionStorage.removeItem(UNSENT);
    else sessionStorage.setItem(UNSENT, JSON.stringify(unsent));
  }

  private async readTheirs(): Promise<void> {
    const { data, error } = await client.GET("/api/config/current");
    if (error !== undefined) this.publish({ refused: errorText(error) });
    else this.publish({ theirs: data });
  }

  private publish(change: Partial<EditorState>): void {
    this.state = { ...this.state, ...change, canUndo: this.past.length > 0, canRedo: this.future.length > 0 };
    for (const listener of this.listeners) listener();
  }
}
