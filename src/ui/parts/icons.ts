/** Outlines in a 24 by 24 box, stroked in the colour of the text. */
export const ICONS = {
  play: 'M8 5.5v13l10.5-6.5z',
  pause: 'M7.5 5.5v13M16.5 5.5v13',
  step: 'M6 5.5v13l9-6.5zM18 5.5v13',
  stop: 'M6.5 6.5h11v11h-11z',
  eye: 'M2.5 12c2.6-4.3 5.8-6.5 9.5-6.5s6.9 2.2 9.5 6.5c-2.6 4.3-5.8 6.5-9.5 6.5S5.1 16.3 2.5 12zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z',
  eyeOff:
    'M4 4l16 16M9.7 5.8c5-1.2 9 .9 11.8 6.2-.9 1.5-1.9 2.7-3 3.7M14.8 17.8c-5.2 1.7-9.3-.2-12.3-5.8 1-1.7 2.2-3.1 3.5-4.1M10 10a3 3 0 0 0 4 4',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4',
  moon: 'M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z',
} as const;

export type IconName = keyof typeof ICONS;
