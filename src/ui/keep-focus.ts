/**
 * Keeps the keyboard where it is. A browser drops the focus when the focused element is removed, hidden or
 * disabled, and the next Tab starts at the top of the page. Here the nearest part of the page around it that
 * is still there takes the focus.
 */
export function keepFocus(): void {
  /** The focused element and all around it, innermost first. */
  let path: HTMLElement[] = [];
  document.addEventListener('focusin', ({ target }) => {
    path = target instanceof HTMLElement ? [target, ...around(target)] : [];
  });
  const check = (): void => {
    waiting = 0;
    const [focused, ...others] = path;
    if (document.activeElement !== document.body && document.activeElement !== focused) return;
    if (!focused || isUsable(focused)) return;
    const next = others.find(isUsable);
    if (!next) return;
    if (!next.hasAttribute('tabindex')) next.tabIndex = -1;
    next.focus({ preventScroll: true });
  };
  let waiting = 0;
  const observer = new MutationObserver(() => {
    waiting ||= requestAnimationFrame(check);
  });
  const attributeFilter = ['disabled', 'hidden', 'open', 'class'];
  observer.observe(document.body, {
    ...{ childList: true, subtree: true, attributes: true, attributeFilter },
  });
}

function around(element: HTMLElement): HTMLElement[] {
  const found: HTMLElement[] = [];
  for (let at = element.parentElement; at && at !== document.body; at = at.parentElement) {
    found.push(at);
  }
  return found;
}

const isUsable = (element: HTMLElement): boolean =>
  element.isConnected && !element.matches(':disabled') && element.checkVisibility();
