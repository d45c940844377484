/** A name for the folder and the .zip of a run: letters, digits and hyphens. */
export function folderName(label: string): string {
  const name = label.replace(/[^\p{L}\p{N}]+/gu, '-').slice(0, 60);
  return name.replace(/^-|-$/g, '').toLowerCase() || 'run';
}
