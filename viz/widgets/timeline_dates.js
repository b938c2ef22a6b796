// Periods as dates, and the ticks of an axis of months.

const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAY = 86400000;
const MONTH_STEPS = [1, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000];
const TICK_ROOM = 40; // pixels that a month's label needs
const YEAR_ROOM = 68; // that it needs with the year

class Dates {
  constructor(start, period, horizon) {
    this.zero = Date.parse(`${start}T00:00:00Z`);
    this.period = period;
    this.days = period === "week" ? 7 : 1;
    this.horizon = horizon;
    this.oneYear = this.at(0).getUTCFullYear() === this.at(horizon).getUTCFullYear();
  }

  at(t) {
    return new Date(this.zero + t * this.days * DAY);
  }

  /** The period in which a date falls, with a fraction. */
  of(time) {
    return (time - this.zero) / DAY / this.days;
  }

  said(t, year = !this.oneYear) {
    const d = this.at(t);
    return `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]}` + (year ? ` ${d.getUTCFullYear()}` : "");
  }

  span(from, to) {
    const same = this.at(from).getUTCFullYear() === this.at(to).getUTCFullYear();
    return `${this.said(from, !same)} to ${this.said(to, !same || !this.oneYear)}`;
  }

  length(n) {
    return `${n} ${this.period}${n === 1 ? "" : "s"}`;
  }

  /** Months that get a label, as many as there is room for. */
  ticks(pixels) {
    const months = (this.horizon * this.days) / 30.44, room = pixels / Math.max(1, months);
    const step = MONTH_STEPS.find((s) => s * room >= TICK_ROOM) || MONTH_STEPS.at(-1);
    const first = this.at(0), found = [];
    let n = first.getUTCFullYear() * 12 + first.getUTCMonth();
    n = Math.ceil(n / step) * step;
    for (let shownYear = null; ; n += step) {
      const year = Math.floor(n / 12), month = n % 12;
      const t = this.of(Date.UTC(year, month, 1));
      if (t > this.horizon) return found;
      if (t < 0) continue;
      const turn = step >= 12 || (month === 0 && step * room < YEAR_ROOM); // the year stands for January
      found.push({ t, label: turn ? "" : MONTHS[month].slice(0, 3), year: turn || year !== shownYear ? String(year) : "" });
      shownYear = year;
    }
  }
}
