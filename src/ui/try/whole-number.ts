/** What the field holds, brought into its range (and shown so); empty is the smallest. */
export function wholeNumber(field: HTMLInputElement): number {
  const { value, min, max } = field;
  const number = Math.min(Number(max), Math.max(Number(min), Math.round(Number(value))));
  field.value = String(number);
  return number;
}
