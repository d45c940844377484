/** datetime.strftime in the C locale, with glibc's flags (%-d). */

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September'],
  ...['October', 'November', 'December'],
];

const DAY_MS = 86_400_000;

/** The fields of a local time; what is no field stays as it is. */
export function strftime(date: Date, format: string): string {
  const [year, month, day] = [date.getFullYear(), date.getMonth(), date.getDate()];
  const weekday = date.getDay();
  const yearDay = Math.round((Date.UTC(year, month, day) - Date.UTC(year, 0, 1)) / DAY_MS);
  const hours = date.getHours();
  const week = (firstDay: number): number =>
    Math.floor((yearDay + 7 - ((weekday + 7 - firstDay) % 7)) / 7);
  const numbers: Record<string, readonly [value: number, width: number, fill?: string]> = {
    ...{ Y: [year, 1], m: [month + 1, 2], d: [day, 2], e: [day, 2, ' '], j: [yearDay + 1, 3] },
    ...{
      H: [hours, 2],
      I: [hours % 12 || 12, 2],
      k: [hours, 2, ' '],
      l: [hours % 12 || 12, 2, ' '],
    },
    ...{ M: [date.getMinutes(), 2], S: [date.getSeconds(), 2], y: [year % 100, 2] },
    ...{ C: [Math.floor(year / 100), 2], w: [weekday, 1], u: [weekday || 7, 1] },
    ...{ U: [week(0), 2], W: [week(1), 2], f: [date.getMilliseconds() * 1000, 6] },
    ...{
      s: [Math.floor(date.getTime() / 1000), 1],
      V: [isoWeek(date)[1], 2],
      G: [isoWeek(date)[0], 1],
    },
  };
  const texts: Record<string, string> = {
    ...{ A: DAYS[weekday]!, a: DAYS[weekday]!.slice(0, 3), B: MONTHS[month]! },
    ...{
      b: MONTHS[month]!.slice(0, 3),
      h: MONTHS[month]!.slice(0, 3),
      p: hours < 12 ? 'AM' : 'PM',
    },
    ...{ P: hours < 12 ? 'am' : 'pm', n: '\n', t: '\t', '%': '%', z: '', Z: '' },
  };
  const wholes: Record<string, string> = {
    ...{ c: '%a %b %e %H:%M:%S %Y', x: '%m/%d/%y', X: '%H:%M:%S', D: '%m/%d/%y' },
    ...{ F: '%Y-%m-%d', T: '%H:%M:%S', R: '%H:%M', r: '%I:%M:%S %p' },
  };
  return format.replace(/%([-_0^#]?)([a-zA-Z%])/g, (all: string, flag: string, field: string) => {
    const number = numbers[field];
    if (number) {
      const [value, width, fill = '0'] = number;
      if (flag === '-') return String(value);
      return String(value).padStart(width, flag === '_' ? ' ' : flag === '0' ? '0' : fill);
    }
    const text = texts[field];
    if (text !== undefined) return flag === '^' ? text.toUpperCase() : text;
    const whole = wholes[field];
    return whole === undefined ? all : strftime(date, whole);
  });
}

/** Year and week by ISO 8601: the week of a Thursday is of the Thursday's year. */
function isoWeek(date: Date): [year: number, week: number] {
  const weekday = date.getDay() || 7;
  const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 4 - weekday);
  const year = thursday.getFullYear();
  const days = Date.UTC(year, thursday.getMonth(), thursday.getDate()) - Date.UTC(year, 0, 1);
  return [year, Math.floor(days / DAY_MS / 7) + 1];
}
