// Before the first paint: otherwise the page would show the other theme for a moment.
try {
  const theme = localStorage.getItem('theme');
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // Storage is blocked: the system's preference applies.
}
