'use strict';
{
  const root = document.documentElement, said = document.getElementById('said');

  // Light or dark: the system's choice until the button is pressed. Where a page may keep nothing, it holds until it is closed.
  const button = document.getElementById('theme'), system = matchMedia('(prefers-color-scheme: dark)');
  const kept = {
    get: () => { try { return localStorage.getItem('quern-theme'); } catch { return null; } },
    set: (v) => { try { localStorage.setItem('quern-theme', v); } catch { /* not here */ } },
  };
  const isDark = () => (root.dataset.theme || (system.matches ? 'dark' : 'light')) === 'dark';
  const label = () => { button.textContent = isDark() ? 'Light' : 'Dark'; };
  if (['light', 'dark'].includes(kept.get())) root.dataset.theme = kept.get();
  button.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    kept.set(root.dataset.theme);
    label();
  });
  system.addEventListener('change', label);
  label();
  button.hidden = false;

  const order = new Intl.Collator('en', { numeric: true });
  const value = (cell) => {
    const text = cell.dataset.v ?? cell.textContent.trim();
    const number = Number(text.replace(/,/g, ''));
    return text !== '' && !Number.isNaN(number) ? number : text;
  };
  const compare = (a, b) => typeof a === 'number' && typeof b === 'number' ? a - b
    : typeof a !== typeof b ? (typeof a === 'number' ? -1 : 1) : order.compare(a, b);

  for (const table of document.querySelectorAll('table.sortable')) {
    const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
    for (const head of heads.filter((h) => h.hasAttribute('data-sort'))) {
      const sort = document.createElement('button');
      sort.type = 'button';
      sort.append(...head.childNodes);
      head.append(sort);
      sort.addEventListener('click', () => {
        const was = head.getAttribute('aria-sort'), first = head.classList.contains('n') ? 'descending' : 'ascending';
        const now = was === null ? first : was === 'ascending' ? 'descending' : 'ascending';
        heads.forEach((h) => h.removeAttribute('aria-sort'));
        head.setAttribute('aria-sort', now);
        const sign = now === 'ascending' ? 1 : -1;
        const rows = [...body.rows].map((row) => [value(row.cells[head.cellIndex]), row]);
        rows.sort((a, b) => (a[0] === '') - (b[0] === '') || sign * compare(a[0], b[0])); // nothing is last either way
        body.append(...rows.map((r) => r[1]));
        said.textContent = `sorted by ${sort.textContent}, ${now}`;
      });
    }
    if (table.dataset.find && body.rows.length > 10) {
      const id = table.id + '-find', box = document.createElement('p'), name = document.createElement('label');
      const field = document.createElement('input'), found = document.createElement('span');
      name.htmlFor = field.id = id;
      name.textContent = table.dataset.find;
      field.type = 'search';
      field.autocomplete = 'off';
      box.className = 'find';
      box.append(name, field, found);
      table.parentElement.before(box);
      const texts = new Map([...body.rows].map((row) => [row, [...row.cells].filter((c) => c.tagName === 'TH' || !c.className)
        .map((c) => c.textContent).join(' ').toLowerCase()]));
      field.addEventListener('input', () => {
        const want = field.value.trim().toLowerCase();
        let n = 0;
        for (const [row, text] of texts) {
          row.hidden = !text.includes(want);
          n += !row.hidden;
        }
        found.textContent = want === '' ? '' : `${n} of ${texts.size}`;
        said.textContent = found.textContent && found.textContent + ' found';
      });
    }
  }

  // On paper everything is open but the numbers of charts: a year is as many lines as it has days.
  let closed = [];
  addEventListener('beforeprint', () => {
    closed = [...document.querySelectorAll('details:not([open], .numbers)')];
    closed.forEach((d) => { d.open = true; });
  });
  addEventListener('afterprint', () => closed.forEach((d) => { d.open = false; }));
}
