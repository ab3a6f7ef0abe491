'use strict';

/*
 * Runs the views of luci-app-duskwatch with stand-ins for LuCI's classes, and writes what they did as JSON
 * into the page. The stand-ins do what LuCI does as far as the views can tell; above all E() and dom.content()
 * make markup of a lone string, and text of a string in an array.
 */

/* What happened. */
const requests = [];
const polls = [];
const maps = [];

/* Answers a request; scenarios replace it. */
let answer = null;

function append(node, children) {
	if (Array.isArray(children)) {
		for (const child of children) {
			if (child instanceof Node)
				node.appendChild(child);
			else if (child !== null && child !== undefined)
				node.appendChild(document.createTextNode(String(child)));
		}
	}
	else if (children instanceof Node) {
		node.appendChild(children);
	}
	else if (children !== null && children !== undefined) {
		node.innerHTML = String(children);
	}
}

function E(tag, attributes, children) {
	const node = document.createElement(tag);

	for (const [ name, value ] of Object.entries(attributes)) {
		if (typeof value == 'function')
			node.addEventListener(name, value);
		else if (value !== null && value !== undefined)
			node.setAttribute(name, value);
	}

	append(node, children);

	return node;
}

const untranslated = new Set();

function _(text) {
	untranslated.add(text);

	return text;
}

String.prototype.format = function() {
	let index = 0;

	return this.replace(/%([%sd])/g, (match, kind) => kind == '%' ? '%' : String(arguments[index++]));
};

class Option {
	constructor(type, name, title, help) {
		Object.assign(this, { type: type, name: name, title: title, help: help, choices: [] });
	}

	value(key) {
		this.choices.push(key);
	}
}

class Section {
	constructor(name, title) {
		Object.assign(this, { name: name, title: title, options: [] });
	}

	option(type, name, title, help) {
		const option = new Option(type, name, title, help);

		this.options.push(option);

		return option;
	}
}

class FormMap {
	constructor(config) {
		Object.assign(this, { config: config, sections: [] });
		maps.push(this);
	}

	section(type, name, kind, title) {
		const section = new Section(name, title);

		this.sections.push(section);

		return section;
	}

	render() {
		return Promise.resolve(E('form', {}, this.sections.map(section => E('h3', {}, [ section.title ]))));
	}
}

const extendable = { extend: properties => Object.assign({}, properties) };

const LUCI = {
	baseclass: extendable,
	view: extendable,
	dom: {
		content: (node, children) => {
			node.replaceChildren();
			append(node, children);
		}
	},
	form: {
		Map: FormMap, NamedSection: 'NamedSection',
		Value: 'Value', Flag: 'Flag', ListValue: 'ListValue', DynamicList: 'DynamicList'
	},
	poll: { add: (callback, seconds) => polls.push({ callback: callback, seconds: seconds }) },
	rpc: {
		declare: declared => (...values) => {
			const named = {};

			(declared.params || []).forEach((name, index) => { named[name] = values[index]; });
			requests.push({ object: declared.object, method: declared.method, 'arguments': named });

			return Promise.resolve().then(() => answer(declared.method, named));
		}
	},
	uci: {
		load: config => Promise.resolve(config),
		get: (config, section, option) => (INPUT.uci[section] || {})[option]
	}
};

/* Loads a view or a class of ours as LuCI does: its source is the body of a function. */
function require_(name) {
	if (name in LUCI)
		return LUCI[name];

	const needed = [ ...INPUT.sources[name].matchAll(/^'require ([\w.]+)(?: as (\w+))?';$/gm) ];
	const names = needed.map(([ , path, alias ]) => alias || path.replace(/\./g, '_'));

	return new Function(...names, INPUT.sources[name])(...needed.map(([ , path ]) => require_(path)));
}

const main = document.querySelector('main');
const text = selector => Array.from(main.querySelectorAll(selector), node => node.textContent);

/* What a person sees of the status view. */
function seen() {
	const bars = {};

	for (const figure of main.querySelectorAll('figure'))
		bars[figure.dataset.period] = Array.from(figure.querySelectorAll('g.bar'), bar =>
			Array.from(bar.querySelectorAll('[class]'), part => Number(part.getAttribute('height'))));

	return {
		problem: text('.duskwatch-problem').join(),
		captions: text('figcaption'),
		svg_titles: text('svg > title'),
		axis: text('svg > text'),
		bar_titles: text('g.bar > title'),
		bars: bars,
		rows: Array.from(main.querySelectorAll('table'), table =>
			Array.from(table.querySelectorAll('tr'), row => Array.from(row.children, cell => cell.textContent))),
		choices: text('select option'),
		chosen: main.querySelector('select').value,
		page: main.querySelector('a.duskwatch-pages').href,
		text: main.textContent,
		images: document.images.length
	};
}

async function show(view) {
	main.replaceChildren(await view.render(await (view.load ? view.load() : null)));
}

const poll = () => polls[polls.length - 1].callback();
const copy = value => JSON.parse(JSON.stringify(value));
const served = (method) => copy(INPUT[method]);

async function status() {
	const results = {};

	answer = served;
	await show(require_('view.duskwatch.status'));
	results.first = seen();

	/* Five seconds later the busiest device has received 1,000 bytes more. */
	answer = method => {
		const json = served(method);

		if (method == 'summary') {
			json.time += 5;
			json.top_local[0].received.bytes += 1000;
		}
		return json;
	};
	await poll();
	results.later = seen();

	/* A stranger calls itself this, wherever a stranger has a say. */
	answer = method => {
		const json = served(method);

		if (method == 'summary') {
			json.notice = INPUT.hostile;
			json.interfaces.push({ name: INPUT.hostile, role: INPUT.hostile });
			json.top_local[0].name = json.top_local[0].address = INPUT.hostile;
		}
		else {
			json.darknet.dark.push(INPUT.hostile);
			Object.assign(json.darknet.sources[0], { source: INPUT.hostile, source_mac: INPUT.hostile, 'interface': INPUT.hostile });
			json.darknet.events[0].why = INPUT.hostile;
		}
		return json;
	};
	await poll();
	results.hostile = seen();

	answer = () => ({ error: { code: 'unreachable', message: 'no' } });
	await poll();
	results.unreachable = seen();

	answer = () => Promise.reject(new Error(INPUT.hostile));
	await poll();
	results.rejected = seen();

	/* How much was seen, as the daemon may put it. */
	results.coverage = {};
	for (const [ name, coverage ] of Object.entries({ unknown: null, nothing: { percent: null }, part: { percent: 97.5 }, all: { percent: 100 } })) {
		answer = method => {
			const json = served(method);

			if (method == 'summary')
				json.books.coverage = coverage;
			return json;
		};
		await poll();
		results.coverage[name] = text('.duskwatch-coverage').join();
	}

	/* Somebody chooses another interface; an answer about the former one comes after that one's. */
	const choice = (method, named) => {
		const json = served(method);

		json.interfaces.push({ name: 'wan', role: 'wan' });
		json['interface'] = named['interface'] || json['interface'];
		return json;
	};
	answer = choice;
	await poll();
	const late = [];
	answer = method => new Promise(resolve => { late.push(() => resolve(served(method))); });
	const former = poll();
	while (late.length < 2)
		await null;
	requests.length = 0;
	answer = choice;
	const select = main.querySelector('select');
	select.value = 'wan';
	select.dispatchEvent(new Event('change'));
	await poll();
	late.forEach(resolve => resolve());
	await former;
	results.chosen = Object.assign(seen(), { requests: copy(requests) });

	results.polls = polls.map(poll => poll.seconds);

	/* Where the link to the daemon's own pages leads for each setting of their addresses. */
	results.pages = [];
	for (const bind of INPUT.binds) {
		INPUT.uci.web.bind = bind;
		await show(require_('view.duskwatch.status'));
		results.pages.push(main.querySelector('a.duskwatch-pages').getAttribute('href'));
	}
	return results;
}

async function settings() {
	await show(require_('view.duskwatch.settings'));

	return maps.map(map => ({ config: map.config, sections: map.sections.map(section => ({
		name: section.name,
		options: section.options.map(option => ({
			name: option.name, type: option.type, title: option.title, help: option.help,
			datatype: option.datatype || null, choices: option.choices,
			/* What the view's own check says of these values. */
			verdicts: option.validate ? INPUT.values.map(value => option.validate(section.name, value) === true) : null
		}))
	})) }));
}

async function run() {
	const results = { status: await status(), settings: await settings() };

	results.strings = Array.from(untranslated);
	return results;
}

run().catch(error => ({ failure: String(error && error.stack) })).then(results => {
	/* Escaped, so that it is the same text in the page's source. */
	document.getElementById('results').textContent =
		JSON.stringify(results).replace(/[<>&\u00a0]/g, letter => '\\u00' + letter.charCodeAt(0).toString(16));
});
