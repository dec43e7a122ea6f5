// The page stands without this script. It adds filters, pages beyond the first,
// zoom, and copying. It makes no HTML but from the packs in the page, which the
// same templates wrote that wrote the rest.
'use strict';
(() => {
	const $ = (selector, root = document) => root.querySelector(selector);
	const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
	const make = (tag, props = {}, ...children) => {
		const e = document.createElement(tag);
		for (const [key, value] of Object.entries(props)) key in e ? (e[key] = value) : e.setAttribute(key, value);
		e.append(...children);
		return e;
	};
	const number = (n) => n.toLocaleString('en-US');

	// unpack returns the text of a pack: gzip in base64 with the alphabet for URLs.
	async function unpack(element) {
		const binary = atob(element.textContent.replace(/-/g, '+').replace(/_/g, '/'));
		const bytes = Uint8Array.from(binary, (c) => c.charCodeAt(0));
		const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
		return new Response(stream).text();
	}

	// --- colours -------------------------------------------------------------

	const themes = ['auto', 'light', 'dark'];
	function theme() {
		const button = $('#theme');
		button.hidden = false;
		button.addEventListener('click', () => {
			const next = themes[(themes.indexOf(document.documentElement.dataset.theme || 'auto') + 1) % 3];
			document.documentElement.dataset.theme = next;
			button.textContent = '◐ ' + next;
			button.setAttribute('aria-label', 'Colours: ' + (next === 'auto' ? 'as the system' : next));
		});
	}

	// --- timelines -----------------------------------------------------------

	const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
		86400, 172800, 604800, 1209600, 2419200, 7862400, 15724800, 31449600];
	function ticks(from, to, most) {
		let step = steps.find((s) => (to - from) / s < most) || steps.at(-1);
		while ((to - from) / step >= most) step *= 2;
		const list = [];
		for (let at = Math.ceil(from / step) * step; at <= to; at += step) list.push(at);
		return list;
	}
	function tickText(sec, span) {
		const iso = new Date(sec * 1000).toISOString();
		if (span < 600) return iso.slice(11, 19);
		if (span < 86400) return iso.slice(11, 16);
		if (span < 4 * 86400) return iso.slice(5, 10) + ' ' + iso.slice(11, 16);
		return iso.slice(0, 10);
	}
	const kinds = { cause: 'blamed', other: 'other', vetoed: 'ruled out', failed: 'failed', passed: 'passed' };
	const leastSpan = 4; // seconds

	class Timeline {
		constructor(figure) {
			const d = figure.dataset;
			this.figure = figure;
			this.all = [+d.from, +d.to];
			this.onset = [+d.start, +d.end];
			this.view = [...this.onset];
			this.svg = $('svg', figure);
			this.marks = $$('.mark', figure);
			this.now = $('.now', figure);
			[this.earlier, , this.later] = $('.readout', figure).children;
			this.off = new Set();
			this.buttons();
			this.pointer();
			this.keys();
			this.draw();
		}

		buttons() {
			const bar = $('.bar', this.figure);
			for (const [kind, name] of Object.entries(kinds)) {
				const n = this.marks.filter((m) => m.dataset.k === kind).length;
				if (n === 0) continue;
				const b = make('button', { type: 'button', className: 'quiet toggle', textContent: name, 'data-k': kind, 'aria-pressed': 'true' });
				b.addEventListener('click', () => this.toggle(kind, b));
				bar.append(b);
			}
			const act = (text, label, f) => {
				const b = make('button', { type: 'button', className: 'quiet', textContent: text, 'aria-label': label });
				b.addEventListener('click', f);
				bar.append(b);
				return b;
			};
			if (this.onset[0] !== this.all[0] || this.onset[1] !== this.all[1]) {
				act('Onset', 'Show the time around the onset', () => this.show(...this.onset)).classList.add('gap');
				act('All', 'Show all of it', () => this.show(...this.all));
			}
			const out = act('−', 'Zoom out', () => this.zoom(2));
			if (!$('.gap', bar)) out.classList.add('gap');
			act('+', 'Zoom in', () => this.zoom(0.5));
			bar.hidden = false;
		}

		toggle(kind, button) {
			const on = this.off.delete(kind);
			if (!on) this.off.add(kind);
			button.setAttribute('aria-pressed', on);
			for (const m of this.marks) if (m.dataset.k === kind) m.classList.toggle('off', !on);
			this.draw();
		}

		show(from, to) {
			const span = Math.min(Math.max(to - from, leastSpan), this.all[1] - this.all[0]);
			from = Math.min(Math.max(from, this.all[0]), this.all[1] - span);
			this.view = [from, from + span];
			this.draw();
		}

		// zoom keeps the instant at a share of the width in its place.
		zoom(factor, share = 0.5) {
			const [from, to] = this.view;
			const span = Math.max((to - from) * factor, leastSpan);
			const at = from + (to - from) * share;
			this.show(at - span * share, at + span * (1 - share));
		}

		pan(share) {
			const [from, to] = this.view;
			this.show(from + (to - from) * share, to + (to - from) * share);
		}

		x(sec) { return 100 * (sec - this.view[0]) / (this.view[1] - this.view[0]); }

		draw() {
			const [from, to] = this.view;
			let earlier = 0, later = 0;
			for (const m of this.marks) {
				const t = +m.dataset.t, u = +m.dataset.u;
				m.setAttribute('x', this.x(t).toFixed(3) + '%');
				if (u > t) m.setAttribute('width', (this.x(u) - this.x(t)).toFixed(3) + '%');
				m.setAttribute('tabindex', '-1');
				if (m.classList.contains('off')) continue;
				if (u < from) earlier++;
				else if (t > to) later++;
			}
			this.earlier.textContent = earlier ? `← ${number(earlier)} earlier` : '';
			this.later.textContent = later ? `${number(later)} later →` : '';
			const group = $('.ticks', this.svg);
			group.replaceChildren(...ticks(from, to, Math.max(2, this.svg.clientWidth / 110 || 7)).flatMap((sec) => {
				const line = document.createElementNS(this.svg.namespaceURI, 'line');
				const text = document.createElementNS(this.svg.namespaceURI, 'text');
				const at = this.x(sec), x = at.toFixed(3) + '%';
				const edge = at < 4 ? ' start' : at > 96 ? ' end' : '';
				for (const [k, v] of Object.entries({ class: 'tick', x1: x, x2: x, y1: 0, y2: 94 })) line.setAttribute(k, v);
				for (const [k, v] of Object.entries({ class: 'ticktext' + edge, x: x, y: 110 })) text.setAttribute(k, v);
				text.textContent = tickText(sec, to - from);
				return [line, text];
			}));
			$('.day', this.figure).textContent = tickText(from, 30 * 86400) + ' UTC';
			this.entry()?.setAttribute('tabindex', '0');
		}

		visible() {
			const [from, to] = this.view;
			return this.marks.filter((m) => !m.classList.contains('off') && +m.dataset.u >= from && +m.dataset.t <= to);
		}

		// entry is the mark that Tab leads to.
		entry() {
			const list = this.visible();
			return list.find((m) => m === this.current) || list.find((m) => m.dataset.k === 'cause') || list[0];
		}

		tell(mark) {
			this.current?.classList.remove('on');
			this.current = mark;
			mark.classList.add('on');
			this.now.textContent = mark.getAttribute('aria-label');
		}

		go(mark) {
			if (!mark) return;
			const t = +mark.dataset.t;
			if (t < this.view[0] || t > this.view[1]) {
				const half = (this.view[1] - this.view[0]) / 2;
				this.show(t - half, t + half);
			}
			this.tell(mark);
			this.draw();
			mark.focus({ preventScroll: true });
		}

		keys() {
			// An SVG that listens for the focus would be a stop for Tab itself.
			const lanes = this.svg.parentElement;
			lanes.addEventListener('keydown', (event) => {
				if (event.ctrlKey || event.metaKey || event.altKey) return;
				const list = this.marks.filter((m) => !m.classList.contains('off'));
				const at = list.indexOf(document.activeElement);
				const actions = {
					ArrowRight: () => this.go(list[at + 1]), ArrowLeft: () => this.go(list[at - 1]),
					Home: () => this.go(list[0]), End: () => this.go(list.at(-1)),
					'+': () => this.around(0.5), '=': () => this.around(0.5), '-': () => this.around(2),
					'0': () => this.show(...this.onset), PageUp: () => this.pan(-0.5), PageDown: () => this.pan(0.5),
				};
				const action = actions[event.key];
				if (!action) return;
				event.preventDefault();
				action();
			});
			lanes.addEventListener('focusin', (event) => { if (event.target.classList.contains('mark')) this.tell(event.target); });
		}

		// around zooms about the mark in focus.
		around(factor) {
			const mark = document.activeElement;
			const share = mark?.dataset?.t ? this.x(+mark.dataset.t) / 100 : 0.5;
			this.zoom(factor, Math.min(Math.max(share, 0), 1));
		}

		pointer() {
			let drag = null;
			const svg = this.svg;
			svg.addEventListener('pointerover', (event) => { if (event.target.classList.contains('mark')) this.tell(event.target); });
			svg.addEventListener('pointerdown', (event) => { if (event.button === 0) drag = { x: event.clientX, view: this.view, moved: false }; });
			svg.addEventListener('pointermove', (event) => {
				if (!drag) return;
				if (!drag.moved && Math.abs(event.clientX - drag.x) < 4) return;
				if (!drag.moved) svg.setPointerCapture(event.pointerId);
				drag.moved = true;
				const shift = (drag.x - event.clientX) / svg.clientWidth * (drag.view[1] - drag.view[0]);
				this.show(drag.view[0] + shift, drag.view[1] + shift);
			});
			const end = (event) => {
				if (drag && !drag.moved && event.target.classList.contains('mark')) this.go(event.target);
				drag = null;
			};
			svg.addEventListener('pointerup', end);
			svg.addEventListener('pointercancel', () => { drag = null; });
			const share = (event) => (event.clientX - svg.getBoundingClientRect().left) / svg.clientWidth;
			svg.addEventListener('dblclick', (event) => this.zoom(event.shiftKey ? 2 : 0.5, share(event)));
			svg.addEventListener('wheel', (event) => {
				if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
				event.preventDefault();
				this.zoom(event.deltaY > 0 ? 1.25 : 0.8, share(event));
			}, { passive: false });
		}
	}

	// enliven prepares a finding when it is opened for the first time.
	const lively = new WeakSet();
	function enliven(finding) {
		if (lively.has(finding)) return;
		lively.add(finding);
		for (const figure of $$('.timeline', finding)) new Timeline(figure);
		for (const button of $$('.copy', finding)) {
			button.hidden = false;
			button.addEventListener('click', () => copy(button));
		}
	}
	async function copy(button) {
		const code = $('code', button.parentElement);
		try {
			await navigator.clipboard.writeText(code.textContent);
			button.textContent = 'Copied';
		} catch {
			getSelection().selectAllChildren(code);
			button.textContent = 'Selected';
		}
		setTimeout(() => { button.textContent = 'Copy'; }, 1600);
	}
	document.addEventListener('toggle', (event) => {
		if (event.target.matches?.('.finding') && event.target.open) enliven(event.target);
	}, true);

	// --- the list of findings --------------------------------------------------

	class List {
		constructor(root, rows) {
			this.root = root;
			this.rows = rows;
			this.size = +root.dataset.page;
			this.page = 0;
			this.packs = $$('script.pack').map((element) => ({ element, first: +element.dataset.first }));
			this.unpacked = new Map(); // packs at hand, the latest last
			this.shown = new Map($$('.finding', root).map((e, i) => [i, e])); // written out in the page
			this.facets = $$('#tools [data-facet]').map((e) => e);
			this.match = rows.map((_, i) => i);
			for (const row of rows) row.text = (row.s + ' ' + row.f.join(' ')).toLowerCase();
			this.tools();
			this.select();
		}

		tools() {
			const tools = $('#tools');
			tools.hidden = $('#pager').hidden = false;
			tools.addEventListener('submit', (event) => event.preventDefault());
			let timer;
			tools.addEventListener('input', (event) => {
				clearTimeout(timer);
				timer = setTimeout(() => this.select(), event.target.id === 'search' ? 120 : 0);
			});
			$('#clear').addEventListener('click', () => { this.reset(); this.select(); });
			$('#fold').addEventListener('click', (event) => {
				const open = event.target.getAttribute('aria-pressed') !== 'true';
				this.unfold(open);
				for (const e of this.root.children) e.open = open;
			});
			for (const b of $$('.turn')) b.addEventListener('click', () => this.turn(+b.dataset.turn));
			for (const e of $$('[data-search]')) {
				if (!e.dataset.search) continue;
				e.addEventListener('click', () => this.find(e.dataset.search));
			}
		}

		unfold(open) {
			const fold = $('#fold');
			fold.setAttribute('aria-pressed', open);
			fold.textContent = open ? 'Close all' : 'Open all';
		}

		reset() {
			$('#search').value = '';
			for (const f of this.facets) f.value = '';
		}

		// find shows the findings that name something.
		async find(text) {
			this.reset();
			$('#search').value = text;
			await this.select();
			$('#findings').scrollIntoView();
			if (this.match.length === 1 && this.root.firstElementChild) this.root.firstElementChild.open = true;
		}

		// select applies the filters and the order, and shows the first page.
		select() {
			const words = $('#search').value.toLowerCase().split(/\s+/).filter(Boolean);
			const wanted = this.facets.map((f) => f.value);
			const match = [];
			this.rows.forEach((row, i) => {
				if (wanted.every((w, k) => w === '' || row.f[k] === w) && words.every((w) => row.text.includes(w))) match.push(i);
			});
			const rows = this.rows;
			const order = {
				time: null,
				'-time': (a, b) => b - a,
				rank: (a, b) => rows[a].r - rows[b].r || a - b,
				'-count': (a, b) => rows[b].n - rows[a].n || a - b,
				principal: (a, b) => (rows[a].f[2] < rows[b].f[2] ? -1 : rows[a].f[2] > rows[b].f[2] ? 1 : a - b),
			}[$('#sort').value];
			if (order) match.sort(order);
			this.match = match;
			this.page = 0;
			$('#clear').hidden = words.length === 0 && wanted.every((w) => w === '');
			return this.render();
		}

		turn(by) {
			this.page += by;
			$('#findings').scrollIntoView();
			return this.render();
		}

		async render() {
			const turn = this.latest = {};
			const from = this.page * this.size;
			const some = this.match.slice(from, from + this.size);
			const elements = [];
			for (const i of some) {
				elements.push(await this.element(i));
				if (turn !== this.latest) return; // overtaken
			}
			this.root.replaceChildren(...elements);
			this.unfold(false);
			this.status(from, some.length);
		}

		status(from, n) {
			const all = this.match.length, total = this.rows.length;
			let text = all === 0 ? 'No finding matches.' : n === all ? `${number(all)} ${all === 1 ? 'finding' : 'findings'}` : `${number(from + 1)}–${number(from + n)} of ${number(all)} findings`;
			if (all < total) text += ` (${number(total)} in all)`;
			$('#status').textContent = text;
			const more = all > this.size;
			$('#pager-below').hidden = !more;
			for (const b of $$('.turn')) {
				b.hidden = !more;
				b.disabled = +b.dataset.turn < 0 ? this.page === 0 : from + n >= all;
			}
		}

		// element returns finding number i, unpacking what it lies in.
		async element(i) {
			const known = this.shown.get(i);
			if (known) return known;
			const pack = this.packs.findLast((p) => p.first <= i);
			let children = this.unpacked.get(pack);
			if (!children) {
				const template = make('template');
				template.innerHTML = await unpack(pack.element);
				children = [...template.content.children];
			}
			this.unpacked.delete(pack);
			this.unpacked.set(pack, children);
			if (this.unpacked.size > 4) this.unpacked.delete(this.unpacked.keys().next().value);
			return document.importNode(children[i - pack.first], true);
		}

		// open shows the finding of a link.
		async open(id) {
			const i = this.rows.findIndex((row) => 'f-' + row.i === id || id.startsWith('f-' + row.i + '-s'));
			if (i < 0) return;
			if (!document.getElementById('f-' + this.rows[i].i)) {
				this.reset();
				$('#sort').value = 'time';
				await this.select();
				this.page = Math.floor(i / this.size);
				await this.render();
			}
			const finding = document.getElementById('f-' + this.rows[i].i);
			finding.open = true;
			document.getElementById(id)?.scrollIntoView();
		}
	}

	async function start() {
		theme();
		for (const finding of $$('.finding[open]')) enliven(finding);
		const root = $('#list');
		if (root) await findings(root);
		document.documentElement.dataset.ready = 'true';
	}

	async function findings(root) {
		const first = $$('.finding', root);
		const list = new List(root, JSON.parse(await unpack($('#index'))));
		const target = () => { if (location.hash.startsWith('#f-')) list.open(decodeURIComponent(location.hash.slice(1))); };
		addEventListener('hashchange', target);
		if (location.hash.startsWith('#f-')) target();
		else if (first.length <= 3) for (const f of first) f.open = true;
		else first[0].open = true;
		let closed = [];
		addEventListener('beforeprint', () => {
			closed = $$('.finding:not([open])');
			for (const f of closed) f.open = true;
		});
		addEventListener('afterprint', () => { for (const f of closed) f.open = false; });
	}
	start();
})();
