// Dates and times: { kind, seconds } where seconds are those from 1970 on, of an instant in UTC,
// of all others on the calendar and clock that they show.
const DAY = 86_400;
const FIRST = Date.parse("0001-01-01T00:00:00Z") / 1000;
const LAST = Date.parse("9999-12-31T23:59:59Z") / 1000;

// An ISO text as a moment; its form tells its kind.
export function readMoment(text) {
  const hasZone = /T.*(Z|[+-]\d\d:\d\d)$/.test(text);
  const kind = text.length === 10 ? "date" : hasZone ? "instant" : "local_time";
  const read = Date.parse(kind === "local_time" ? `${text}Z` : text);
  return Number.isNaN(read) ? null : { kind, seconds: Math.floor(read / 1000) };
}

export function momentText({ kind, seconds }) {
  const text = new Date(seconds * 1000).toISOString();
  if (kind === "date") return text.slice(0, 10);
  return kind === "instant" ? `${text.slice(0, 19)}Z` : text.slice(0, 19);
}

const clocks = new Map();

function clockIn(zone) {
  if (!clocks.has(zone)) clocks.set(zone, newClock(zone));
  return clocks.get(zone);
}

function newClock(zone) {
  const parts = { hourCycle: "h23", calendar: "iso8601", year: "numeric", month: "numeric",
    day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" };
  try {
    return new Intl.DateTimeFormat("en", { ...parts, timeZone: zone });
  } catch {
    return new Intl.DateTimeFormat("en", { ...parts, timeZone: "UTC" });
  }
}

function daySeconds(year, month, day) {
  return new Date(0).setUTCFullYear(year, month, day) / 1000;
}

// The seconds since midnight.
function timeOf(clock) {
  return ((clock % DAY) + DAY) % DAY;
}

// What a zone's clock shows at an instant, as seconds.
function shown(instant, zone) {
  const found = {};
  for (const { type, value } of clockIn(zone).formatToParts(instant * 1000)) {
    found[type] = Number(value);
  }
  const isBeforeYearOne = instant < FIRST + DAY && found.month === 12; // shown as a year 1, too
  const year = isBeforeYearOne ? 0 : found.year;
  const midnight = daySeconds(year, found.month - 1, found.day);
  return midnight + found.hour * 3600 + found.minute * 60 + found.second;
}

// The instant at which a clock shows a time: the later of two; the one that would have been when
// clocks skip it (kartoteka/conditions/zones.py).
function instantOf(clock, zone) {
  const before = shown(clock - DAY, zone) - (clock - DAY);
  const after = shown(clock + DAY, zone) - (clock + DAY);
  const found = [clock - before, clock - after].filter((one) => shown(one, zone) === clock);
  return found.length > 0 ? Math.max(...found) : clock - before;
}

// What a clock in a zone shows at an instant, both as ISO text, and back.
export function clockText(instant, zone) {
  return momentText({ kind: "local_time", seconds: shown(readMoment(instant).seconds, zone) });
}

export function instantText(clock, zone) {
  const read = readMoment(clock);
  return read && momentText({ kind: "instant", seconds: instantOf(read.seconds, zone) });
}

function within(moment) {
  return moment.seconds >= FIRST && moment.seconds <= LAST ? moment : null;
}

// A moment on calendar and clock, null when they leave the years 1 to 9999.
function clockOf(moment, zone) {
  const seconds = moment.kind === "instant" ? shown(moment.seconds, zone) : moment.seconds;
  return seconds >= FIRST && seconds <= LAST ? seconds : null;
}

// A clock time as the kind that `moment` is.
function like(moment, clock, zone) {
  if (!(clock >= FIRST && clock <= LAST)) return null;
  if (moment.kind !== "instant") return { kind: moment.kind, seconds: clock };
  return within({ kind: "instant", seconds: instantOf(clock, zone) });
}

export function askedNow(kind, now, zone) {
  const clock = clockOf(now, zone);
  if (kind === "instant") return now;
  return { kind, seconds: kind === "date" ? clock - timeOf(clock) : clock };
}

function part(read) {
  return (zone, moment) => {
    const clock = clockOf(moment, zone);
    return clock === null ? null : { digits: BigInt(read(new Date(clock * 1000))), places: 0 };
  };
}

function addSpan(span) {
  return (zone, moment, count) =>
    within({ kind: moment.kind, seconds: moment.seconds + span * Number(count.digits) });
}

function addDays(days) {
  return (zone, moment, count) => {
    const clock = clockOf(moment, zone);
    return clock === null ? null : like(moment, clock + days * DAY * Number(count.digits), zone);
  };
}

function addMonths(months) {
  return (zone, moment, count) => {
    const clock = clockOf(moment, zone);
    if (clock === null) return null;
    const day = new Date(clock * 1000);
    const month = day.getUTCFullYear() * 12 + day.getUTCMonth() + months * Number(count.digits);
    const year = Math.floor(month / 12);
    if (!(year >= 1 && year <= 9999)) return null;
    const last = new Date(daySeconds(year, (month % 12) + 1, 0) * 1000).getUTCDate();
    const moved = daySeconds(year, month % 12, Math.min(day.getUTCDate(), last));
    return like(moment, moved + timeOf(clock), zone);
  };
}

function whole(count) {
  return { digits: BigInt(Math.trunc(count)), places: 0 };
}

function diffSpan(unit) {
  return (zone, start, end) => {
    if (start.kind === end.kind) return whole((end.seconds - start.seconds) / unit);
    return diffClock(zone, start, end, (first, last) => (last - first) / unit);
  };
}

function diffDays(days) {
  return (zone, start, end) =>
    diffClock(zone, start, end, (first, last) => (last - first) / (days * DAY));
}

function diffMonths(months) {
  return (zone, start, end) =>
    diffClock(zone, start, end, (first, last) =>
      first <= last ? monthsBetween(first, last) / months : -monthsBetween(last, first) / months,
    );
}

function diffClock(zone, start, end, count) {
  const [first, last] = [clockOf(start, zone), clockOf(end, zone)];
  return first === null || last === null ? null : whole(count(first, last));
}

function monthsBetween(first, last) {
  const [from, to] = [new Date(first * 1000), new Date(last * 1000)];
  const count =
    (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth();
  const inMonth = (day, clock) => day.getUTCDate() * DAY + timeOf(clock);
  return inMonth(to, last) >= inMonth(from, first) ? count : count - 1;
}

// Functions of the asker's zone and of moments; none is ever given null.
export const TIME_FUNCTIONS = {
  year: part((day) => day.getUTCFullYear()),
  month: part((day) => day.getUTCMonth() + 1),
  day: part((day) => day.getUTCDate()),
  hour: part((day) => day.getUTCHours()),
  minute: part((day) => day.getUTCMinutes()),
  second: part((day) => day.getUTCSeconds()),
  date: (zone, moment) => {
    const clock = clockOf(moment, zone);
    return clock === null ? null : { kind: "date", seconds: clock - timeOf(clock) };
  },
  addminutes: addSpan(60),
  addhours: addSpan(3600),
  adddays: addDays(1),
  addweeks: addDays(7),
  addmonths: addMonths(1),
  addyears: addMonths(12),
  diffinminutes: diffSpan(60),
  diffinhours: diffSpan(3600),
  diffindays: diffDays(1),
  diffinweeks: diffDays(7),
  diffinmonths: diffMonths(1),
  diffinyears: diffMonths(12),
};
