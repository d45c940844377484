/** Gives the visitor a file. */
export function download(name: string, content: Blob | string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([content]));
  link.download = name;
  link.click();
  // By then the download has begun, and it continues without the address.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
