// A bonus: every page reads and submits without it.
(() => {
	const D = document, $ = (s, r = D) => r.querySelector(s), $$ = (s, r = D) => [...r.querySelectorAll(s)];
	const id = i => D.getElementById(i), on = (e, f, t = window, o) => t.addEventListener(e, f, o);
	const press = (b, v) => b?.setAttribute('aria-pressed', v);
	const say = t => { const e = id('live'); if (e) e.textContent = t; };
	const typing = e => e.target.matches('input,textarea,select') || e.ctrlKey || e.metaKey || e.altKey;

	// copy: "#id" means that element's text
	on('click', e => {
		const b = e.target.closest('[data-copy]');
		if (!b) return;
		const v = b.dataset.copy, src = v[0] === '#' && $(v), s = $('span', b);
		navigator.clipboard.writeText((src ? src.textContent : v).trim()).then(() => {
			s.textContent = 'Copied'; say('Copied');
			setTimeout(() => s.textContent = 'Copy', 1600);
		}).catch(() => { if (src) getSelection().selectAllChildren(src); say('Selected: press Ctrl+C to copy'); });
	});

	// times in the reader's zone, unless the server knows it
	const times = () => D.body.dataset.zone || $$('time[datetime]').forEach(t => {
		const local = new Date(t.dateTime).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
		if ('exact' in t.dataset) t.textContent = local;
		t.title = local;
	});
	times();

	// filter tables by words and by state
	$$('[data-filter]').forEach(inp => {
		const rows = $$(inp.dataset.filter + ' tbody tr'), box = inp.closest('.bar'), none = $('[data-none]');
		let only = '', wait;
		const go = () => {
			const w = inp.value.toLowerCase().split(/\s+/).filter(Boolean);
			let n = 0;
			rows.forEach(r => {
				const t = (r._t ||= r.textContent.toLowerCase());
				const hit = w.every(x => t.includes(x)) && (!only || r.dataset.has.split(' ').includes(only));
				r.hidden = !hit; n += hit;
			});
			$('output', box).textContent = (n < rows.length ? n + ' of ' : '') + rows.length + ' rows';
			none.hidden = n > 0;
		};
		on('input', () => { clearTimeout(wait); wait = setTimeout(go, 60); }, inp);
		$$('[data-only]', box).forEach((b, _, all) => on('click', () => {
			only = b.dataset.only; all.forEach(x => press(x, x === b)); go();
		}, b));
		go();
	});

	$$('[data-bulk]').forEach(t => {
		const bar = $(t.dataset.bulk), all = $('thead input', t), cs = $$('tbody input', t);
		const go = e => {
			if (e?.target === all) cs.forEach(c => c.checked = all.checked && !c.closest('tr').hidden);
			const n = cs.filter(c => c.checked).length;
			$$('button', bar).forEach(b => b.disabled = !n);
			$('output', bar).textContent = n ? n + ' selected' : 'None selected';
		};
		on('change', go, t); go();
	});

	// live state
	const src = D.body.dataset.live;
	if (src) {
		const es = new EventSource(src);
		on('state', e => {
			const d = JSON.parse(e.data), el = id(d.id);
			if (el && d.s) el.dataset.s = d.s;
			if (el && 'text' in d) el.textContent = d.text;
			if (d.say) say(d.say);
			renew();
		}, es);
		on('done', () => { es.close(); renew(); clearInterval(old); }, es);
		// places in line and estimates change without any news of this build
		const old = setInterval(() => D.hidden || renew(), $('[data-begins]') ? 5000 : 60000);
	}
	// what a change means for reasons, times and counts is said by the server: parts of the page are taken anew
	let due, again;
	function renew() {
		if (!$('[data-part]')) return;
		again = !!due;
		due ||= setTimeout(async () => {
			try {
				const r = await fetch(location.href, { headers: { accept: 'text/html' } });
				const page = new DOMParser().parseFromString(await r.text(), 'text/html');
				// a log that had not begun needs what reads it
				if (r.ok && $('[data-begins]') && !$('[data-begins]', page)) return location.reload();
				if (r.ok) $$('[data-part]').forEach(old => {
					const now = page.getElementById(old.id);
					if (now && !old.contains(D.activeElement) && old.innerHTML !== now.innerHTML) old.replaceChildren(...now.childNodes);
				});
				if (r.ok) { D.title = page.title; times(); }
			} catch { /* the next change tries again */ }
			due = 0; if (again) renew();
		}, 700 + Math.random() * 800);
	}
	const p2 = n => String(n).padStart(2, '0');
	if ($('[data-since]') || src) setInterval(() => $$('[data-since]').forEach(c => {
		const s = Math.max(0, (Date.now() - Date.parse(c.dataset.since)) / 1000 | 0), m = s / 60 | 0;
		c.textContent = (m > 59 ? (m / 60 | 0) + ':' + p2(m % 60) : m) + ':' + p2(s % 60);
	}), 1000);

	// log
	const log = id('log');
	if (log) {
		const find = id('find'), out = id('found'), fol = $('[data-follow]'), HL = CSS.highlights;
		let hits = [], cur = -1, following = fol?.ariaPressed === 'true';
		const show = l => { const d = l.closest('details'); if (d) d.open = true; l.scrollIntoView({ block: 'center' }); };
		const mark = () => {
			$$('.l.on', log).forEach(l => l.classList.remove('on'));
			const m = location.hash.match(/^#L(\d+)(?:-L?(\d+))?$/);
			if (!m) return;
			const [a, b] = [+m[1], +(m[2] || m[1])].sort((x, y) => x - y);
			for (let i = a; i <= b && i < a + 5000; i++) id('L' + i)?.classList.add('on');
			follow(false);
			if (id('L' + a)) return show(id('L' + a));
			// a long log is shown in parts
			const u = new URL(location), from = Math.max(1, a - 20);
			if (log.dataset.page && u.searchParams.get('from') != from) { u.searchParams.set('from', from); u.searchParams.delete('q'); location.replace(u); }
		};
		const end = () => scrollTo(0, D.documentElement.scrollHeight);
		const follow = v => { following = v; press(fol, v); if (v) end(); };
		on('hashchange', mark); mark();
		on('click', e => {
			const a = e.target.closest('.l a'), m = location.hash.match(/^#L(\d+)/);
			if (a && e.shiftKey && m) { e.preventDefault(); location.hash = `L${m[1]}-${a.hash.slice(1)}`; }
		}, log);
		const fold = $('[data-fold]');
		on('click', () => { const ds = $$('details', log), v = ds.some(d => !d.open); ds.forEach(d => d.open = v); press(fold, v); }, fold);
		const error = dir => {
			const es = $$('.l.e', log), at = es.findIndex(l => l.classList.contains('on'));
			const l = es[at < 0 ? 0 : (at + dir + es.length) % es.length];
			if (l) location.hash = l.id;
		};
		const search = () => {
			const q = find.value.toLowerCase(); hits = []; cur = -1; HL?.clear(); out.textContent = '';
			if (q.length < 2) return;
			for (const { firstChild: n } of $$('.l span', log)) {
				const t = n ? n.data.toLowerCase() : '';
				for (let i = t.indexOf(q); i >= 0 && hits.length < 5000; i = t.indexOf(q, i + q.length)) {
					const r = new Range(); r.setStart(n, i); r.setEnd(n, i + q.length); hits.push(r);
				}
			}
			HL?.set('find', new Highlight(...hits));
			out.textContent = hits.length ? hits.length + ' matches' : 'no match';
		};
		on('input', search, find);
		on('keydown', e => {
			if (e.key !== 'Enter' || !hits.length) return; // without a match here the form asks the server for all lines
			e.preventDefault();
			cur = (cur + (e.shiftKey ? -1 : 1) + hits.length) % hits.length;
			show(hits[cur].startContainer.parentElement); HL?.set('cur', new Highlight(hits[cur]));
			out.textContent = `${cur + 1} of ${hits.length}`;
		}, find);
		on('keydown', e => {
			if (typing(e)) return;
			if (e.key === 'n') error(1); if (e.key === 'p') error(-1);
			if (e.key === 'f' && fol) follow(!following);
		});
			if (fol) {
			on('click', () => follow(!following), fol);
			on('wheel', e => e.deltaY < 0 && follow(false), window, { passive: true });
			on('touchmove', () => follow(false), window, { passive: true });
		}
		if (log.dataset.stream) {
			const tail = $('[data-tail]', log), es = new EventSource(log.dataset.stream + '&from=' + log.dataset.next);
			let buf = [], due;
			es.onmessage = e => { // its number is the line's: who comes again after a break goes on where he was
				buf.push([e.lastEventId, e.data]);
				due ||= requestAnimationFrame(() => {
					const f = D.createDocumentFragment(); due = 0;
					for (const [n, t] of buf) { // "class|text"
						if (id('L' + n)) continue;
						const l = D.createElement('div'), a = D.createElement('a'), s = D.createElement('span'), k = t.indexOf('|');
						l.className = 'l ' + t.slice(0, k); l.id = 'L' + n; a.href = '#L' + n; a.textContent = n; s.textContent = t.slice(k + 1);
						l.append(a, s); f.append(l);
					}
					buf = []; tail.append(f); if (following) end();
				});
			};
			on('stage', renew, es);
			on('end', e => { es.close(); renew(); requestAnimationFrame(() => { if (following) end(); follow(false); say('The build has ended: ' + e.data); }); }, es);
			if (following) end();
		}
	}

	// new project
	const nm = id('name');
	if (nm) {
		const msg = id('name-msg'), taken = nm.dataset.taken.split(' '), boxes = $$('[name=chroots]');
		const go = () => {
			const v = nm.value, odd = v.match(/[^\w.+-]/), bad = odd ? (odd[0] == ' ' ? 'A space' : odd[0]) + ' is not allowed: use letters, digits, - _ . +' : /^\W|^_/.test(v) ? 'Start with a letter or a digit.' : taken.includes(v) ? `You already have a project called ${v}.` : '';
			nm.setCustomValidity(bad); nm.ariaInvalid = !!bad; nm.classList.toggle('bad-in', bad);
			msg.className = bad ? 'err' : v ? 'good' : 'hint'; msg.textContent = bad || (v ? 'This name is free.' : msg.dataset.hint);
			id('p-name').textContent = id('owner').value + '/' + (bad || !v ? '…' : v);
			const c = boxes.filter(b => b.checked), rel = new Set(c.map(b => b.value.replace(/-[^-]+$/, '')));
			id('p-ch').textContent = c.length ? `${c.length} chroots in ${rel.size} releases` : 'choose at least one chroot';
		};
		on('input', go, nm.form); go();
		$$('[data-pick]').forEach(b => on('click', () => { boxes.forEach(c => c.checked = RegExp(b.dataset.pick).test(c.value)); go(); }, b));
	}

	on('keydown', e => {
		if (e.key === '/' && !typing(e)) { e.preventDefault(); (id('find') || $('.find input')).focus(); }
		if (e.key === 'Escape') $$('.menu[open]').forEach(d => d.open = false);
	});
})();
