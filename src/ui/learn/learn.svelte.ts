import type { ChapterName } from './chapters.ts';

/** The Learn panel: one for the page, opened from anywhere. */
class Learn {
  /** The chapter that is open; null while the panel is closed. */
  chapter = $state<ChapterName | null>(null);

  open(chapter: ChapterName = 'objective'): void {
    this.chapter = chapter;
  }

  close(): void {
    this.chapter = null;
  }
}

export const learn = new Learn();
