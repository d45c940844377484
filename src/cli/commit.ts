import { execFileSync } from 'node:child_process';

/** What measurements write, so that one does not mark the next. */
const WRITTEN = [':(exclude)results', ':(exclude)*.md'];

/**
 * The commit of the source in `root`, with the mark -dirty if other files than results and documents were
 * changed since; null outside a repository or without git.
 */
export function commit(root: string): string | null {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, {
        cwd: root,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
    const id = git('rev-parse', 'HEAD');
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', '.', ...WRITTEN);
    return changed === '' ? id : `${id}-dirty`;
  } catch {
    return null;
  }
}
