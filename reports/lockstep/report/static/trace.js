// The aligned traces: only the rows in sight are in the document; chunks of rows are loaded as scripts when they come into sight,
// because a page from disk cannot fetch. A chunk is deflated JSON: it is parsed, never run.
"use strict";
(() => {
	const source = document.getElementById("trace-data");
	if (!source || !("DecompressionStream" in window)) return;
	const data = JSON.parse(source.textContent);
	const box = document.getElementById("trace");
	const spacer = document.getElementById("spacer");
	const detail = document.getElementById("row-detail");
	const where = document.getElementById("where");
	const segment = document.getElementById("segment");
	const only = document.getElementById("only");
	const map = document.getElementById("map");
	const find = document.getElementById("find");
	const CONTEXT = 2; // rows around each difference when only differences are shown
	const KEEP = 24; // chunks in memory
	const SVG = "http://www.w3.org/2000/svg";

	// ---- chunks ----
	const chunks = new Map(); // number -> rows, newest last
	const waiting = new Map(); // number -> {promise, resolve}

	async function unpack(packed) {
		const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
		const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
		return JSON.parse(await new Response(stream).text());
	}

	function settle(k, rows) {
		chunks.set(k, rows);
		for (const old of chunks.keys()) {
			if (chunks.size <= KEEP) break;
			if (old !== k) chunks.delete(old);
		}
		waiting.get(k)?.resolve(rows);
		waiting.delete(k);
	}

	window.lockstepRows = (k, packed) => {
		unpack(packed).then(
			(rows) => settle(k, rows),
			() => settle(k, null),
		);
	};

	function load(k) {
		if (chunks.has(k)) {
			const rows = chunks.get(k);
			chunks.delete(k);
			chunks.set(k, rows);
			return Promise.resolve(rows);
		}
		if (waiting.has(k)) return waiting.get(k).promise;
		const entry = {};
		entry.promise = new Promise((resolve) => (entry.resolve = resolve));
		waiting.set(k, entry);
		const script = document.createElement("script");
		script.src = `${data.base}/rows-${k}.js`;
		script.onload = () => script.remove();
		script.onerror = () => settle(k, null);
		document.head.append(script);
		return entry.promise;
	}

	function rowOf(i) {
		const rows = chunks.get(Math.floor(i / data.chunk));
		return rows === undefined ? undefined : rows === null ? null : rows[i % data.chunk];
	}

	// ---- which rows are in the list ----
	let bounds = [0, data.rows];
	let list = null; // row numbers when only differences are shown
	let current = Math.max(data.first, 0); // a row number

	const length = () => (list ? list.length : bounds[1] - bounds[0]);
	const rowAt = (place) => (list ? list[place] : bounds[0] + place);

	function placeOf(row) {
		if (!list) return Math.min(Math.max(row - bounds[0], 0), Math.max(length() - 1, 0));
		let low = 0;
		let high = list.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (list[middle] < row) low = middle + 1;
			else high = middle;
		}
		return Math.min(low, Math.max(list.length - 1, 0));
	}

	function rebuild() {
		const s = segment.value === "" ? null : data.segments[Number(segment.value)];
		bounds = s ? [s.from, s.to] : [0, data.rows];
		list = null;
		if (only.checked) {
			list = [];
			let next = bounds[0];
			for (const [start, count] of data.runs) {
				const from = Math.max(start - CONTEXT, next);
				const to = Math.min(start + count + CONTEXT, bounds[1]);
				for (let i = from; i < to; i++) list.push(i);
				next = Math.max(next, to);
			}
		}
		drawn.forEach((el) => el.remove());
		drawn.clear();
		spacer.style.height = `${length() * rowHeight}px`;
		box.setAttribute("aria-rowcount", String(length()));
		drawMap();
	}

	// ---- drawing ----
	const drawn = new Map(); // place -> element
	let rowHeight = 24;
	let frame = 0;

	function measure() {
		rowHeight = parseInt(getComputedStyle(document.documentElement).getPropertyValue("--row"), 10) || 24;
	}

	function span(kind, text) {
		const el = document.createElement("span");
		el.className = kind;
		el.setAttribute("role", "gridcell");
		el.textContent = text;
		return el;
	}

	// a call's text with its result apart, so that a narrow column cuts arguments and never results; from..to is emphasised
	function callCell(kind, text, from = 0, to = 0) {
		const el = span(kind, "");
		const at = text.lastIndexOf(" = ");
		const split = at < 0 ? text.length : at;
		for (const [name, low, high] of [
			["args", 0, split],
			["res", split, text.length],
		]) {
			if (low === high) continue;
			const part = document.createElement("span");
			part.className = name;
			const strong = document.createElement("b");
			const [x, y] = [Math.min(Math.max(from, low), high), Math.min(Math.max(to, low), high)];
			strong.textContent = text.slice(x, y);
			part.append(text.slice(low, x), ...(x < y ? [strong] : []), text.slice(Math.max(x, y), high));
			el.append(part);
		}
		return el;
	}

	// what differs between two texts: all but their common beginning and end
	function marked(kind, mine, other) {
		let from = 0;
		const most = Math.min(mine.length, other.length);
		while (from < most && mine[from] === other[from]) from++;
		let end = 0;
		while (end < most - from && mine[mine.length - 1 - end] === other[other.length - 1 - end]) end++;
		return callCell(kind, mine, from, mine.length - end);
	}

	const clip = (t) => (t.length > 400 ? t.slice(0, 400) + "…" : t);
	const otherText = (r) => (r[4] === 0 ? r[3] : r[4]);

	function element(place) {
		const i = rowAt(place);
		const r = rowOf(i);
		const el = document.createElement("div");
		el.className = "tr";
		el.id = `row-${i}`;
		el.setAttribute("role", "row");
		el.setAttribute("aria-rowindex", String(place + 1));
		el.dataset.row = String(i);
		el.style.top = `${place * rowHeight}px`;
		if (i === current) el.classList.add("here");
		if (i === data.first) el.classList.add("first");
		if (!r) {
			el.classList.add("eq");
			el.append(span("n", ""), span("mk", ""), span("a", r === null ? `rows-${Math.floor(i / data.chunk)}.js cannot be read` : "…"), span("b", ""), span("n", ""));
			if (r === undefined) el.dataset.pending = "1";
			return el;
		}
		const a = clip(r[3]);
		const b = clip(otherText(r));
		const same = r[5] === "=";
		el.classList.add(same ? "eq" : "d");
		const both = !same && r[1] !== null && r[2] !== null;
		el.append(
			span("n", r[1] ?? ""),
			span("mk", same ? "" : r[5]),
			both ? marked("a", a, b) : r[1] === null ? span("a void", "") : callCell("a", a),
			both ? marked("b", b, a) : r[2] === null ? span("b void", "") : callCell("b", b),
			span("n", r[2] ?? ""),
		);
		return el;
	}

	function draw() {
		frame = 0;
		const from = Math.max(Math.floor(box.scrollTop / rowHeight) - 8, 0);
		const to = Math.min(Math.ceil((box.scrollTop + box.clientHeight) / rowHeight) + 8, length());
		for (const [place, el] of drawn) {
			if (place < from || place >= to) {
				el.remove();
				drawn.delete(place);
			}
		}
		const fresh = document.createDocumentFragment();
		const wanted = new Set();
		for (let place = from; place < to; place++) {
			if (rowOf(rowAt(place)) === undefined) wanted.add(Math.floor(rowAt(place) / data.chunk));
			if (!drawn.has(place)) {
				const el = element(place);
				drawn.set(place, el);
				fresh.append(el);
			}
		}
		spacer.append(fresh);
		for (const k of wanted) load(k).then(fill);
		drawView(from, to);
	}

	function later() {
		if (!frame) frame = requestAnimationFrame(draw);
	}

	function fill() {
		for (const [place, el] of drawn) {
			if (el.dataset.pending && rowOf(rowAt(place)) !== undefined) {
				const now = element(place);
				el.replaceWith(now);
				drawn.set(place, now);
			}
		}
		if (!detail.dataset.row || detail.dataset.row !== String(current)) showDetail();
	}

	function side(kind, name, text) {
		const el = document.createElement("div");
		el.className = `side ${kind}`;
		const h = document.createElement("h4");
		h.textContent = name;
		const pre = document.createElement("pre");
		pre.tabIndex = 0;
		pre.textContent = text;
		el.append(h, pre);
		return el;
	}

	function segmentName(i) {
		const s = data.segments.find((x) => i >= x.from && i < x.to);
		return s ? s.name : "";
	}

	const meaning = { "=": "the same on both sides", "!": "another result", "~": "other inputs", o: "another object", "<": "only on Linux", ">": `only on ${data.names[1]}` };

	function showDetail() {
		const r = rowOf(current);
		where.textContent = `row ${(current + 1).toLocaleString("en")} of ${data.rows.toLocaleString("en")}`;
		if (!r) return;
		detail.dataset.row = String(current);
		const p = document.createElement("p");
		p.textContent = `${segmentName(current)} · ${meaning[r[5]] ?? ""}`;
		const sides = document.createElement("div");
		sides.className = "sides";
		sides.append(side("native", r[1] === null ? data.names[0] : `${data.names[0]}, event ${r[1]}`, r[1] === null ? "–" : r[3]));
		sides.append(side("target", r[2] === null ? data.names[1] : `${data.names[1]}, event ${r[2]}`, r[2] === null ? "–" : otherText(r)));
		detail.replaceChildren(p, sides);
	}

	// ---- moving ----
	function select(row, { centre = false, link = true } = {}) {
		if (row < bounds[0] || row >= bounds[1]) {
			segment.value = "";
			rebuild();
		}
		const place = placeOf(row);
		const before = drawn.get(placeOf(current));
		current = rowAt(place) ?? 0;
		before?.classList.remove("here");
		const top = place * rowHeight;
		if (centre) box.scrollTop = top - box.clientHeight / 2 + rowHeight;
		else if (top < box.scrollTop) box.scrollTop = top;
		else if (top + rowHeight > box.scrollTop + box.clientHeight) box.scrollTop = top + rowHeight - box.clientHeight;
		draw();
		drawn.get(place)?.classList.add("here");
		box.setAttribute("aria-activedescendant", `row-${current}`);
		showDetail();
		load(Math.floor(current / data.chunk)).then(showDetail);
		if (link) history.replaceState(null, "", `#row=${current}`);
	}

	function step(by) {
		if (!length()) return;
		select(rowAt(Math.min(Math.max(placeOf(current) + by, 0), length() - 1)));
	}

	function difference(way) {
		const runs = data.runs.filter(([start]) => start >= bounds[0] && start < bounds[1]);
		const inRun = (r) => current >= r[0] && current < r[0] + r[1];
		const found = way > 0 ? runs.find((r) => r[0] > current) : runs.findLast((r) => r[0] < current && !inRun(r));
		if (found) select(found[0], { centre: true });
	}

	// ---- the map at the side ----
	// two lanes: other results, and every other difference; the stronger, the more of them
	const HEIGHT = 400;
	const CELLS = 200;
	function drawMap() {
		map.replaceChildren();
		const total = bounds[1] - bounds[0] || 1;
		const lanes = { x: new Array(CELLS).fill(0), s: new Array(CELLS).fill(0) };
		for (const [start, count, mark] of data.runs) {
			if (start < bounds[0] || start >= bounds[1]) continue;
			const lane = lanes[mark === "!" ? "x" : "s"];
			const from = Math.floor(((start - bounds[0]) / total) * CELLS);
			const to = Math.min(Math.floor(((start + count - 1 - bounds[0]) / total) * CELLS), CELLS - 1);
			for (let c = from; c <= to; c++) lane[c] += count / (to - from + 1);
		}
		for (const [kind, lane] of Object.entries(lanes)) {
			const most = Math.max(...lane);
			lane.forEach((n, c) => {
				if (!n) return;
				const el = rect(kind, (c * HEIGHT) / CELLS, HEIGHT / CELLS, kind === "x" ? 0 : 7, 7);
				el.setAttribute("opacity", (0.2 + 0.8 * Math.sqrt(n / most)).toFixed(2));
				map.append(el);
			});
		}
		map.append(rect("view", 0, 4, 0, 14));
	}

	function rect(kind, y, height, x, width) {
		const el = document.createElementNS(SVG, "rect");
		el.setAttribute("class", kind);
		el.setAttribute("x", String(x));
		el.setAttribute("width", String(width));
		el.setAttribute("y", String(y));
		el.setAttribute("height", String(height));
		return el;
	}

	function drawView(from, to) {
		const view = map.querySelector(".view");
		if (!view || !length()) return;
		const total = bounds[1] - bounds[0];
		const y = ((rowAt(from) - bounds[0]) / total) * HEIGHT;
		view.setAttribute("y", String(y));
		view.setAttribute("height", String(Math.max(((rowAt(Math.max(to - 1, from)) - rowAt(from)) / total) * HEIGHT, 4)));
	}

	// ---- finding text ----
	let search = 0;
	async function findNext(text, back) {
		const mine = ++search;
		const needle = text.toLowerCase();
		if (!needle) return;
		const total = bounds[1] - bounds[0];
		for (let n = 1; n <= total; n++) {
			const i = bounds[0] + ((((current - bounds[0] + (back ? -n : n)) % total) + total) % total);
			let r = rowOf(i);
			if (r === undefined) {
				where.textContent = `searching… ${Math.round((n / total) * 100)} %`;
				await load(Math.floor(i / data.chunk));
				if (mine !== search) return;
				r = rowOf(i);
			}
			if (r && (r[3].toLowerCase().includes(needle) || (r[4] !== 0 && r[4].toLowerCase().includes(needle)))) {
				if (list && list[placeOf(i)] !== i) {
					only.checked = false;
					rebuild();
				}
				select(i, { centre: true });
				return;
			}
		}
		where.textContent = "not found";
	}

	// ---- events ----
	box.addEventListener("scroll", later, { passive: true });
	addEventListener("resize", () => {
		const before = rowHeight;
		measure();
		if (before !== rowHeight) {
			rebuild();
			select(current, { centre: true, link: false });
		}
		later();
	});
	box.addEventListener("click", (e) => {
		const row = e.target.closest(".tr");
		if (row) select(Number(row.dataset.row));
	});
	map.addEventListener("click", (e) => {
		const share = (e.clientY - map.getBoundingClientRect().top) / map.clientHeight;
		select(bounds[0] + Math.floor(share * (bounds[1] - bounds[0])), { centre: true });
	});
	segment.addEventListener("change", () => {
		rebuild();
		const s = segment.value === "" ? null : data.segments[Number(segment.value)];
		select(s ? (s.first >= s.from && s.first < s.to ? s.first : s.from) : current, { centre: true });
	});
	only.addEventListener("change", () => {
		rebuild();
		select(current, { centre: true });
	});
	document.getElementById("next").addEventListener("click", () => difference(1));
	document.getElementById("prev").addEventListener("click", () => difference(-1));
	find.addEventListener("keydown", (e) => {
		if (e.key === "Enter") {
			e.preventDefault();
			findNext(find.value, e.shiftKey);
		} else if (e.key === "Escape") {
			search++;
			box.focus();
		}
	});

	const page = () => Math.max(Math.floor(box.clientHeight / rowHeight) - 2, 1);
	const anywhere = { j: () => step(1), k: () => step(-1), n: () => difference(1), p: () => difference(-1), "/": () => find.focus() };
	const inside = {
		ArrowDown: () => step(1),
		ArrowUp: () => step(-1),
		PageDown: () => step(page()),
		PageUp: () => step(-page()),
		Home: () => step(-data.rows),
		End: () => step(data.rows),
	};
	document.addEventListener("keydown", (e) => {
		if (e.ctrlKey || e.metaKey || e.altKey || document.getElementById("help").open) return;
		if (e.target.closest("input, select, textarea")) return;
		const act = anywhere[e.key] || (box.contains(document.activeElement) && inside[e.key]);
		if (!act) return;
		e.preventDefault();
		if (anywhere[e.key] && !box.contains(document.activeElement)) {
			box.focus({ preventScroll: true });
			document.getElementById("traces").scrollIntoView({ block: "start", behavior: "instant" });
		}
		act();
	});

	function fromLink() {
		const m = /^#row=(\d{1,9})$/.exec(location.hash);
		if (!m || Number(m[1]) >= data.rows) return false;
		select(Number(m[1]), { centre: true, link: false });
		return true;
	}
	addEventListener("hashchange", fromLink);

	document.getElementById("viewer").hidden = false;
	document.body.classList.add("ready");
	measure();
	rebuild();
	if (fromLink()) document.getElementById("traces").scrollIntoView({ behavior: "instant" });
	else select(current, { centre: true, link: false });
})();
